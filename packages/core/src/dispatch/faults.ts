import { BackendError } from '../errors.ts';

/** Whether a kernel refused an index. */
const isIndexFault = (error: unknown): error is BackendError =>
  error instanceof BackendError && 'index' in error.data;

/** A kernel's fault under the name of the operator that the user called: `embedding: index 12 is out of range for size 10`. */
export function underName(name: string, error: unknown): unknown {
  if (
    !isIndexFault(error) ||
    error.op === undefined ||
    error.op === name ||
    !error.message.startsWith(`${error.op}: `)
  )
    return error;
  return new BackendError(`${name}${error.message.slice(error.op.length)}`, {
    op: name,
    data: error.data,
    cause: error.cause ?? error,
  });
}

/**
 * Runs `body`, in which an index that a kernel refuses means something that the user did not write as one. Devices that
 * notice late report the index.
 */
export function explainFault<R>(op: string, text: () => string, body: () => R): R {
  try {
    return body();
  } catch (error) {
    if (!isIndexFault(error)) throw error;
    throw new BackendError(`${op}: ${text()}`, { op, cause: error });
  }
}
