import type { AnyModule } from './module.ts';
import { classOf, membersOf, type Path, within } from './walk.ts';

/** A value as Python writes it, so that a model prints as it does in PyTorch. */
export function python(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `(${value.map(python).join(', ')}${value.length === 1 ? ',' : ''})`;
  if (typeof value === 'number') return pythonNumber(value);
  return String(value);
}

function pythonNumber(value: number): string {
  const text = String(value);
  if (Number.isInteger(value) || !Number.isFinite(value))
    return text.replace('Infinity', 'inf').replace('NaN', 'nan');
  // Python writes 1e-05 where JavaScript writes 0.00001.
  const [digits, exponent] = Math.abs(value) < 1e-4 ? value.toExponential().split('e') : text.split('e');
  return exponent === undefined ? text : `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

/** A number that is a float in PyTorch: `1` prints as `1.0`. */
export const pythonFloat = (value: number): string =>
  Number.isInteger(value) ? `${value}.0` : python(value);

/** `a=1, b=(2, 3)`. */
export const settings = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : python(value)}`)
    .join(', ');

/** The modules that are being printed. */
const printing: Path = new Set();

const indent = (text: string): string => text.replaceAll('\n', '\n  ');

/** The module as text, as PyTorch prints it: its class, its settings, its children, each on a line. */
export function describeModule(module: AnyModule): string {
  return within(printing, module, () => {
    const extra = module.extraRepr();
    const lines = childrenOf(module).map(({ name, value }) => `(${name}): ${indent(value.toString())}`);
    return enclose(classOf(module), extra, lines);
  });
}

/** Like `describeModule`, with runs of equal children in one line: `(0-3): 4 x Linear(…)`. */
export function describeList(module: AnyModule): string {
  return within(printing, module, () => {
    const runs: { first: string; last: string; count: number; text: string }[] = [];
    for (const { name, value } of childrenOf(module)) {
      const text = indent(value.toString());
      const run = runs.at(-1);
      if (run?.text === text) {
        run.last = name;
        run.count += 1;
      } else {
        runs.push({ first: name, last: name, count: 1, text });
      }
    }
    const lines = runs.map(({ first, last, count, text }) =>
      count === 1 ? `(${first}): ${text}` : `(${first}-${last}): ${count} x ${text}`,
    );
    return enclose(classOf(module), module.extraRepr(), lines);
  });
}

const childrenOf = (module: AnyModule) => membersOf(module).filter((member) => member.kind === 'child');

function enclose(name: string, extra: string, lines: readonly string[]): string {
  if (lines.length === 0)
    return extra.includes('\n') ? `${name}(\n  ${indent(extra)}\n)` : `${name}(${extra})`;
  return `${name}(\n${[...(extra === '' ? [] : extra.split('\n')), ...lines].map((line) => `  ${line}`).join('\n')}\n)`;
}
