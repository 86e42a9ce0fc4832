import type { Tensor, UpdateOperator } from '@flambeau/core';

/** Updates that wait for each other, so that all parameters with the same numbers are overwritten in one call. */
export class UpdateQueue {
  private rule: UpdateOperator<string> | null = null;
  private numbers: Readonly<Record<string, number>> = {};
  private rows: (readonly Tensor[])[] = [];

  add(rule: UpdateOperator<string>, row: readonly Tensor[], numbers: Readonly<Record<string, number>>): void {
    if (rule !== this.rule || !areSame(numbers, this.numbers)) this.run();
    this.rule = rule;
    this.numbers = numbers;
    this.rows.push(row);
  }

  run(): void {
    const { rule, rows } = this;
    if (rule === null || rows.length === 0) return;
    this.rows = [];
    rule(rows, this.numbers);
  }
}

function areSame(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  for (const name in a) if (!Object.is(a[name], b[name])) return false;
  return true;
}
