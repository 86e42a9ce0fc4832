import type { Adapter, OperatorFamily } from '../call.ts';
import { parseSignature, type Signature } from '../schema.ts';
import { creation } from './creation.ts';
import { indexing } from './indexing.ts';
import { linalg } from './linalg.ts';
import { neural } from './neural.ts';
import { pointwise } from './pointwise.ts';
import { reduction } from './reduction.ts';
import { shape } from './shape.ts';

export interface OperatorEntry {
  /** Overloads in the order in which they are tried. */
  readonly signatures: readonly Signature[];
  readonly adapter: Adapter | undefined;
}

const families: readonly OperatorFamily[] = [pointwise, reduction, shape, indexing, creation, linalg, neural];

/** All operators that the runner can call, under PyTorch's names. */
export const operators: ReadonlyMap<string, OperatorEntry> = collect();

function collect(): Map<string, OperatorEntry> {
  const entries = new Map<string, { signatures: Signature[]; adapter: Adapter | undefined }>();
  for (const { signatures, adapters } of families) {
    for (const line of signatures) {
      const signature = parseSignature(line);
      const { torchName } = signature;
      const entry = entries.get(torchName);
      if (entry !== undefined) entry.signatures.push(signature);
      else entries.set(torchName, { signatures: [signature], adapter: adapters?.[torchName] });
    }
  }
  return entries;
}
