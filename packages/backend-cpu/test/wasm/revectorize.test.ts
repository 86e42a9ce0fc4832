import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { createHeap } from '../../src/heap/heap.ts';
import { withFlags } from '../../src/host/flags.ts';
import { cpu } from '../../src/index.ts';
import { Code } from '../../src/threads/code.ts';
import { productModule } from '../../src/wasm/matmul/code.ts';
import { ELEMENTS } from '../../src/wasm/matmul/lane.ts';
import { differingProduct } from '../../src/wasm/matmul/self-check.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('./revectorize-process.ts', import.meta.url));

describe('the option revectorize', () => {
  it('computes the same bits in a process of its own, and says so where it has no effect', async () => {
    const args = ['--conditions=source', '--import', 'tsx', program];
    const { stdout, stderr } = await run(process.execPath, args);
    const { name, count, differing } = JSON.parse(stdout) as Record<string, unknown>;
    expect({ count, differing }).toEqual({ count: 32, differing: 0 });
    const old = Number.parseInt(process.versions.v8, 10) < 13;
    if (old) expect(stderr).toContain('has no effect: it needs Node 24 or later');
    expect(String(name).includes('revectorized')).toBe(!stderr.includes('has no effect'));
  }, 60_000);

  it('says that it has no effect where there is no WebAssembly', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    cpu({ revectorize: true, wasm: 'off' });
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^flambeau: cpu\({ revectorize: true }\) has no effect: it needs /)],
    ]);
    warn.mockRestore();
  });
});

describe("V8's flags", () => {
  const changes = (body: () => void): string[] => {
    const said: string[] = [];
    const v8 = { setFlagsFromString: (flag: string) => void said.push(flag) };
    try {
      withFlags(v8, { liftoff: false, 'wasm-inlining': false, experiment: true }, () => {
        said.push('body');
        body();
      });
    } catch {
      said.push('thrown');
    }
    return said;
  };
  const wanted = ['--no-liftoff', '--no-wasm-inlining', '--experiment', 'body'];

  it("are V8's defaults again, also after an error", () => {
    const defaults = ['--liftoff', '--wasm-inlining', '--no-experiment'];
    expect(changes(() => {})).toEqual([...wanted, ...defaults]);
    const failing = changes(() => {
      throw new Error('compiling');
    });
    expect(failing).toEqual([...wanted, ...defaults, 'thrown']);
  });

  it('are what the command line said last', () => {
    const { execArgv } = process;
    process.execArgv = ['--no-liftoff', '--liftoff', '--nowasm_inlining', '--experiment', '--no-experiments'];
    expect(changes(() => {})).toEqual([...wanted, '--liftoff', '--nowasm_inlining', '--experiment']);
    process.execArgv = execArgv;
  });
});

describe('the check of products', () => {
  const heap = createHeap()!;
  const codeOf = (dtype: 'float32' | 'float64' | 'int32' | 'int64', relaxed: boolean): Code =>
    new Code(heap, productModule(ELEMENTS[dtype]!, { relaxed, vectors: 4 }, heap.shared));

  it.each(['float32', 'float64', 'int32', 'int64'] as const)('passes what is the same: %s', (dtype) => {
    const [one, other] = [codeOf(dtype, false), codeOf(dtype, false)];
    expect(differingProduct(heap, ELEMENTS[dtype]!, one, other)).toBeNull();
  });

  it.each(['product', 'direct', 'dots'] as const)('finds one bit that differs in %s', (name) => {
    const code = codeOf('float32', false);
    const wrong = (...args: number[]): undefined => {
      code.functions[name]!(...args);
      const out = new Uint32Array(
        heap.memory.buffer,
        args[name === 'product' ? 9 : name === 'direct' ? 8 : 7]!,
        1,
      );
      out[0]! ^= 1;
    };
    const broken = { functions: { ...code.functions, [name]: wrong } };
    expect(differingProduct(heap, ELEMENTS.float32!, code, broken)).toContain(`${name} of float32`);
  });
});
