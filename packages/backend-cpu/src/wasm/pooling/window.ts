import { type FunctionBuilder, f32, f64, i32, Type } from '../assembler/index.ts';
import { countUp, locals } from '../emit.ts';

/**
 * The words of the block of memory that describes pools. Of each dimension's table there are three words for every
 * place of the output: where its window begins inside the input, how many of its elements lie inside, and what they
 * count for in a mean.
 */
export const POOL_WORDS = [
  'channels',
  'x',
  'xImage',
  'xChannel',
  'xDepth',
  'xHeight',
  'xWidth',
  'y',
  'indices',
  'depthTable',
  'heightTable',
  'widthTable',
  'depthOutputs',
  'heightOutputs',
  'widthOutputs',
  'depthDilation',
  'heightDilation',
  'widthDilation',
  'height',
  'width',
  /** Places of a row whose windows lie inside whole and side by side in memory: four of them are pooled at once. */
  'wholeFrom',
  'wholeTo',
  'widthStride',
  /** What sums are divided by; 0 for what their windows count for. */
  'divisor',
] as const;

type Name = (typeof POOL_WORDS)[number];

const BLOCK = 2;
const TABLE_BYTES = 12;

/** Loads a word of the block, whose address is the third parameter of every kernel. */
export const word = (f: FunctionBuilder, name: Name): FunctionBuilder =>
  f.get(BLOCK).memory(i32.load, 4 * POOL_WORDS.indexOf(name));

/** A window's place along one dimension. */
export interface Span {
  readonly from: number;
  readonly taps: number;
  readonly share: number;
}

/** Sets a span to the table's entry for the output at `place`. */
export function readSpan(f: FunctionBuilder, table: Name, place: number, { from, taps, share }: Span): void {
  const entry = (): FunctionBuilder => word(f, table).get(place).i32(TABLE_BYTES).op(i32.mul).op(i32.add);
  entry().memory(i32.load).set(from);
  entry().memory(i32.load, 4).set(taps);
  entry().memory(i32.load, 8).set(share);
}

export const spanOf = (f: FunctionBuilder): Span => {
  const [from, taps, share] = locals(f, Type.i32, 3);
  return { from, taps, share };
};

export interface Walk {
  readonly f: FunctionBuilder;
  readonly spans: readonly [Span, Span, Span];
  readonly plane: number;
}

/** Walks the elements of a window: `body(address, flat)`. */
export function eachTap(
  { f, spans: [depth, height, width], plane }: Walk,
  body: (address: number, flat: number) => void,
): void {
  const [d, h, w, pd, ph, row, address, flat] = locals(f, Type.i32, 8);
  const flatRow = f.local(Type.i32);
  const place = (span: Span, tap: number, dilation: Name): FunctionBuilder => {
    f.get(span.from).get(tap);
    return word(f, dilation).op(i32.mul).op(i32.add);
  };
  countUp(f, d, depth.taps, 1, () => {
    place(depth, d, 'depthDilation').set(pd);
    countUp(f, h, height.taps, 1, () => {
      place(height, h, 'heightDilation').set(ph);
      f.get(plane).get(pd);
      word(f, 'xDepth').op(i32.mul).op(i32.add).get(ph);
      word(f, 'xHeight').op(i32.mul).op(i32.add).get(width.from);
      word(f, 'xWidth').op(i32.mul).op(i32.add).set(row);
      f.get(pd);
      word(f, 'height').op(i32.mul).get(ph).op(i32.add);
      word(f, 'width').op(i32.mul).get(width.from).op(i32.add).set(flatRow);
      f.get(row).set(address).get(flatRow).set(flat);
      countUp(f, w, width.taps, 1, () => {
        body(address, flat);
        f.get(address);
        word(f, 'widthDilation');
        word(f, 'xWidth').op(i32.mul).op(i32.add).set(address);
        f.get(flat);
        word(f, 'widthDilation').op(i32.add).set(flat);
      });
    });
  });
}

/** The flat index of a window's first element. */
export function firstFlat({ f, spans: [depth, height, width] }: Walk): void {
  f.get(depth.from);
  word(f, 'height').op(i32.mul).get(height.from).op(i32.add);
  word(f, 'width').op(i32.mul).get(width.from).op(i32.add);
}

/** What a window counts for in a mean, in a lane's type. */
export function divisorOf({ f, spans: [depth, height, width] }: Walk, type: Type): void {
  const count = f.local(Type.i32);
  word(f, 'divisor')
    .tee(count)
    .op(i32.eqz)
    .if(() => {
      f.get(depth.share).get(height.share).op(i32.mul).get(width.share).op(i32.mul).set(count);
    });
  f.get(count).op(type === Type.f32 ? f32.convertI32S : f64.convertI32S);
}
