import { nodeProcess } from './process.ts';

/** Node's module `v8`, of which only this is used. */
export interface V8 {
  setFlagsFromString(flags: string): void;
}

/**
 * Calls `body` while V8 has `flags`, each the opposite of V8's default. Afterwards they are again as Node's command
 * line has them, as V8 does not say which flags it has.
 */
export function withFlags<T>(v8: V8, flags: Readonly<Record<string, boolean>>, body: () => T): T {
  const written = Object.entries(flags).map(([name, on]) => [name, argument(name, on), argument(name, !on)]);
  for (const [, wanted] of written) v8.setFlagsFromString(wanted!);
  try {
    return body();
  } finally {
    for (const [name, , byDefault] of written) v8.setFlagsFromString(given(name!) ?? byDefault!);
  }
}

const argument = (name: string, on: boolean): string => `--${on ? '' : 'no-'}${name}`;

/** What the command line says of a flag, the last word of it; V8 takes `--no-x`, `--nox` and underscores. */
const given = (name: string): string | undefined =>
  nodeProcess?.execArgv?.findLast((arg) =>
    [`--${name}`, `--no-${name}`, `--no${name}`].includes(arg.replaceAll('_', '-')),
  );
