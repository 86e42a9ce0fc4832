import * as core from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { callsOf } from '../../src/samples/call.ts';
import type { OperatorSamples } from '../../src/samples/sample.ts';
import { operatorSamples } from '../../src/samples/table.ts';
import { withoutSamples } from '../../src/samples/without.ts';

/** Functions that core exports, those in namespaces by dotted names. */
function exported(namespace: object, prefix = ''): string[] {
  return Object.entries(namespace).flatMap(([name, value]) => {
    if (typeof value === 'function') return [prefix + name];
    const isNamespace =
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).some((x) => typeof x === 'function');
    return isNamespace && prefix === '' ? exported(value, `${name}.`) : [];
  });
}

const table: readonly OperatorSamples[] = operatorSamples();
const sampled = new Set(table.map(({ op }) => op));
const functions = exported(core);

describe('the table of samples', () => {
  it('has every operator that core exports, or the reason why not', () => {
    const missing = functions.filter((name) => !sampled.has(name) && withoutSamples[name] === undefined);
    expect(missing, 'add samples in src/samples, or a reason in src/samples/without.ts').toEqual([]);
  });

  it('names nothing that core does not export', () => {
    expect([...sampled, ...Object.keys(withoutSamples)].filter((name) => !functions.includes(name))).toEqual(
      [],
    );
  });

  it('names nothing twice: neither samples and a reason, nor two samples of one name', () => {
    expect(Object.keys(withoutSamples).filter((name) => sampled.has(name))).toEqual([]);
    const calls = callsOf(table).map(({ op, name }) => `${op}: ${name}`);
    expect(calls.filter((call, i) => calls.indexOf(call) !== i)).toEqual([]);
  });

  it('gives each operator with a gradient inputs that want one', () => {
    const without = [...sampled].filter((op) => {
      const entries = table.filter((entry) => entry.op === op && entry.noGradient === undefined);
      return (
        entries.length === 0 && !table.some((entry) => entry.op === op && entry.noGradient !== undefined)
      );
    });
    expect(without).toEqual([]);
  });
});
