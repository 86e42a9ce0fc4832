import { afterEach, beforeEach } from 'vitest';

// A library says nothing on its own: console output fails the test that caused it. A test about output spies on the
// method (`vi.spyOn(console, 'warn')`), and what the spy takes does not count.
const methods = ['debug', 'error', 'info', 'log', 'warn'] as const;
const original = Object.fromEntries(methods.map((name) => [name, console[name]]));
let printed: string[] = [];

beforeEach(() => {
  printed = [];
  for (const name of methods) {
    console[name] = (...args: unknown[]) => {
      printed.push(`console.${name}: ${args.map(String).join(' ')}`);
    };
  }
});

afterEach(() => {
  Object.assign(console, original);
  if (printed.length > 0) throw new Error(`the test wrote to the console:\n${printed.join('\n')}`);
});
