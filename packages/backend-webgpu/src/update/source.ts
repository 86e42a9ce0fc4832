import type { Update } from '@flambeau/core/backend';
import type { Shader } from '../queue/types.ts';
import { bodyFunction } from '../wgsl/body.ts';
import { GROUP, linearMain, UniformWords, uniformAt } from '../wgsl/launch.ts';
import { Library } from '../wgsl/library.ts';
import { declareBuffer, decodeSource, encodeSource, laneBits, packLanes, quadType } from '../wgsl/memory.ts';
import { type ParameterWord, parameterWords } from '../wgsl/parameters.ts';
import { widthOf } from '../wgsl/types.ts';

/** Words of one row: the invocation behind its last, its elements, and where each operand begins, in fours. */
export const RowWord = { end: 0, length: 1, operands: 2 } as const;

export interface UpdateShader extends Shader {
  readonly parameters: readonly ParameterWord[];
  /** The first word of each row, and of the parameters. */
  readonly rowsAt: readonly number[];
  readonly parametersAt: number;
}

/**
 * An update of `rowCount` rows, four elements for each invocation. Those of a row are whole workgroups, so that no two rows meet in one. Operand `k` of row
 * `r` is binding `r * operands + k`.
 */
export function updateShader(update: Update, rowCount: number): UpdateShader {
  const parameters = parameterWords(...update.steps.map(({ program }) => program));
  const words = new UniformWords();
  const rowsAt = Array.from({ length: rowCount }, () =>
    words.take(RowWord.operands + update.operands.length),
  );
  const parametersAt = words.take(parameters.length);
  const access = update.operands.map((_, k): Access => (update.written.includes(k) ? 'read_write' : 'read'));
  return {
    key: `update ${rowCount} ${update.key}`,
    bindings: rowsAt.flatMap(() => access),
    words: words.words,
    workgroupSize: [GROUP, 1, 1],
    parameters,
    rowsAt,
    parametersAt,
    source() {
      const source = new Source(update, rowsAt);
      const steps = update.steps.map(({ program }, i) =>
        bodyFunction(`step${i}`, program, {
          library: source.library,
          parameters,
          parameterAt: (place) => uniformAt(parametersAt + place),
          rounds: true,
        }),
      );
      const four = source.four();
      const main = source.main();
      return [
        source.buffers(access),
        words.declare(rowCount * access.length),
        source.library.source(),
        ...steps,
        four,
        main,
      ].join('\n');
    },
  };
}

type Access = Shader['bindings'][number];
const LANES = [0, 1, 2, 3];

class Source {
  readonly library = new Library();
  private readonly update: Update;
  private readonly rowsAt: readonly number[];

  constructor(update: Update, rowsAt: readonly number[]) {
    this.update = update;
    this.rowsAt = rowsAt;
  }

  buffers(access: readonly Access[]): string {
    const { operands } = this.update;
    const lines = this.rowsAt.flatMap((_, r) =>
      operands.map((dtype, k) => {
        const binding = r * operands.length + k;
        return declareBuffer(binding, `r${r}_${k}`, access[k]!, 'quad', widthOf(dtype));
      }),
    );
    return lines.join('\n');
  }

  /** `fn four(left, w0, w1, …) -> Four`: four elements through all steps; from `left` on they stay as they are. */
  four(): string {
    const { operands, written } = this.update;
    const fields = (letter: string, of: readonly number[]): string =>
      of.map((k) => `${letter}${k}: ${quadType(widthOf(operands[k]!))}`).join(', ');
    const bits = (k: number): string[] => LANES.map((lane) => `y${k}_${lane}`);
    return `struct Four { ${fields('y', written)} }
fn four(left: u32, ${fields('w', [...operands.keys()])}) -> Four {
  ${written.flatMap((k) => bits(k).map((name) => `var ${name}: u32;`)).join(' ')}
${LANES.map((lane) => this.lane(lane)).join('\n')}
  return Four(${written.map((k) => packLanes(widthOf(operands[k]!), bits(k))).join(', ')});
}`;
  }

  private lane(lane: number): string {
    const { operands, locals, written, steps } = this.update;
    const { library } = this;
    const values = [...operands, ...locals].map((_, k) => `x${k}`).join(', ');
    const bits = (k: number): string => laneBits(`w${k}`, widthOf(operands[k]!), lane);
    const lines = operands.map((dtype, k) => `var x${k} = ${decodeSource(dtype, bits(k), library)};`);
    for (const k of locals.keys()) lines.push(`var x${operands.length + k} = 0.0;`);
    for (const [i, { target }] of steps.entries()) lines.push(`x${target} = step${i}(${values});`);
    for (const k of written) {
      const stored = encodeSource(operands[k]!, `x${k}`, library);
      lines.push(
        `y${k}_${lane} = ${lane === 0 ? stored : `select(${bits(k)}, ${stored}, left > ${lane}u)`};`,
      );
    }
    return `  {\n    ${lines.join('\n    ')}\n  }`;
  }

  /** Finds the invocation's row, and loads and stores there: only that is written out for each row, the steps are once. */
  main(): string {
    const { operands, written } = this.update;
    const word = (r: number, place: number): string => uniformAt(this.rowsAt[r]! + place);
    const at = (r: number, k: number): string => `r${r}_${k}[${word(r, RowWord.operands + k)} + unit]`;
    const load = (_: number, r: number): string => `if (i < ${word(r, RowWord.end)}) {
    row = ${r}u;
    unit = ${r === 0 ? 'i' : `i - ${word(r - 1, RowWord.end)}`};
    left = ${word(r, RowWord.length)};
    ${operands.map((_, k) => `w${k} = ${at(r, k)};`).join(' ')}
  }`;
    const store = (_: number, r: number): string =>
      `case ${r}u: { ${written.map((k) => `${at(r, k)} = y.y${k};`).join(' ')} }`;
    return `${linearMain()}
  var row = 0u;
  var unit = 0u;
  var left = 0u;
  ${operands.map((dtype, k) => `var w${k}: ${quadType(widthOf(dtype))};`).join(' ')}
  ${this.rowsAt.map(load).join(' else ')}
  if (unit * 4u >= left) { return; }
  let y = four(left - unit * 4u, ${operands.map((_, k) => `w${k}`).join(', ')});
  switch row {
    ${this.rowsAt.map(store).join('\n    ')}
    default: {}
  }
}`;
  }
}
