import { type FunctionBuilder, i32, Type } from './assembler/index.ts';

/** `parameters(4)`: the types of four addresses or counts. */
export const parameters = (count: number): Type[] => new Array<Type>(count).fill(Type.i32);

/** `N` of a kind; any number of them where `N` is not known. */
export type Tuple<N extends number, T, Made extends T[] = []> = number extends N
  ? T[]
  : Made['length'] extends N
    ? Made
    : Tuple<N, T, [...Made, T]>;

/** New locals of one type. */
export const locals = <N extends number>(f: FunctionBuilder, type: Type, count: N): Tuple<N, number> =>
  // TypeScript does not count what `from` makes.
  Array.from({ length: count }, () => f.local(type)) as Tuple<N, number>;

/** `while (!over) { body; counter += step }`; `over` leaves a truth. */
function stepping(
  f: FunctionBuilder,
  counter: number,
  step: number,
  over: () => FunctionBuilder,
  body: () => void,
): void {
  f.block((end) =>
    f.loop((again) => {
      over().brIf(end);
      body();
      f.increase(counter, step).br(again);
    }),
  );
}

/** `for (counter = 0; counter < limit; counter += step)`. */
export function countUp(
  f: FunctionBuilder,
  counter: number,
  limit: number,
  step: number,
  body: () => void,
): void {
  f.i32(0).set(counter);
  countOn(f, counter, limit, step, body);
}

/** The same from where the counter stands. */
export const countOn = (
  f: FunctionBuilder,
  counter: number,
  limit: number,
  step: number,
  body: () => void,
): void => stepping(f, counter, step, () => f.get(counter).get(limit).op(i32.geS), body);

/** `while (counter + step <= limit)`; the body moves what it moves, the counter is moved here. */
export const whileRoom = (
  f: FunctionBuilder,
  counter: number,
  limit: number,
  step: number,
  body: () => void,
): void =>
  stepping(f, counter, step, () => f.get(limit).get(counter).op(i32.sub).i32(step).op(i32.ltS), body);

/** Leaves `min(limit - counter, most)`. */
export function remaining(f: FunctionBuilder, limit: number, counter: number, most: number): FunctionBuilder {
  const rest = (): FunctionBuilder => f.get(limit).get(counter).op(i32.sub);
  rest().i32(most);
  return rest().i32(most).op(i32.ltS).select();
}

/** `local += other` for addresses. */
export const advance = (f: FunctionBuilder, local: number, by: number): FunctionBuilder =>
  f.get(local).get(by).op(i32.add).set(local);

/** Leaves `base + index * step`. */
export const at = (f: FunctionBuilder, base: number, index: number, step: number): FunctionBuilder =>
  f.get(base).get(index).get(step).op(i32.mul).op(i32.add);

/** Leaves `base + index * bytes`. */
export const atElement = (f: FunctionBuilder, base: number, index: number, bytes: number): FunctionBuilder =>
  f.get(base).get(index).i32(bytes).op(i32.mul).op(i32.add);
