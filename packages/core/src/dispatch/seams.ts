import type {
  Allocation,
  FusedKernel,
  Kernels,
  Operand,
  Parameters,
  TensorOperand,
  Update,
  UpdateRow,
} from '../storage/contract.ts';
import type { DeviceEntry } from '../storage/registry.ts';

/**
 * Sees every call of an operator before anything else happens: autocast, profilers, tracing. `proceed` goes on,
 * with the same arguments or others.
 */
export type OperatorInterceptor = (
  op: string,
  args: readonly unknown[],
  proceed: (args: readonly unknown[]) => unknown,
) => unknown;

/** Sees every kernel that core launches: capture and memory planning. */
export type KernelInterceptor = (call: KernelCall, launch: () => void) => void;

export interface KernelCall {
  readonly device: string;
  readonly kernel: string;
  /** Everything the kernel was given, as in the contract. */
  readonly args: readonly unknown[];
  /** The operands among them. */
  readonly operands: readonly Operand[];
}

export let operatorInterceptor: OperatorInterceptor | null = null;
let kernelInterceptor: KernelInterceptor | null = null;

/** Installs the seam at the operator, null for none, and returns the one before. */
export function setOperatorInterceptor(interceptor: OperatorInterceptor | null): OperatorInterceptor | null {
  const before = operatorInterceptor;
  operatorInterceptor = interceptor;
  return before;
}

/** Installs the seam at the kernel, null for none, and returns the one before. */
export function setKernelInterceptor(interceptor: KernelInterceptor | null): KernelInterceptor | null {
  const before = kernelInterceptor;
  kernelInterceptor = interceptor;
  return before;
}

/** Runs with the operator seam open, so that an interceptor can call operators itself. */
export function withoutOperatorInterceptor<R>(body: () => R): R {
  const before = setOperatorInterceptor(null);
  try {
    return body();
  } finally {
    operatorInterceptor = before;
  }
}

/** A device's kernels, behind the seam where one is installed. */
export function kernelsOf(entry: DeviceEntry): Kernels {
  return kernelInterceptor === null ? entry.kernels : observed(entry, kernelInterceptor);
}

function observed(entry: DeviceEntry, interceptor: KernelInterceptor): Kernels {
  return new Proxy(entry.kernels, {
    get(kernels, name) {
      const kernel: unknown = Reflect.get(kernels, name);
      if (typeof kernel !== 'function') return kernel;
      return (...args: unknown[]): void => {
        const operands = args.flatMap((arg) => (Array.isArray(arg) ? arg : [arg])).filter(isOperand);
        interceptor({ device: entry.device, kernel: String(name), args, operands }, () =>
          kernel.apply(kernels, args),
        );
      };
    },
  });
}

const isOperand = (value: unknown): value is Operand =>
  typeof value === 'object' &&
  value !== null &&
  'allocation' in value &&
  typeof (value as { allocation: Allocation }).allocation === 'object';

type NamedOperands = Readonly<Record<string, TensorOperand | undefined>>;

/** Runs a fused kernel, behind the seam where one is installed. */
export function launchFused(
  entry: DeviceEntry,
  name: string,
  kernel: FusedKernel,
  outputs: Readonly<Record<string, TensorOperand>>,
  inputs: NamedOperands,
  attrs: Readonly<Record<string, unknown>>,
): void {
  const launch = (): void => kernel.run(outputs, inputs, attrs);
  if (kernelInterceptor === null) {
    launch();
    return;
  }
  const operands = [...Object.values(outputs), ...Object.values(inputs)].filter((x) => x !== undefined);
  kernelInterceptor({ device: entry.device, kernel: name, args: [outputs, inputs, attrs], operands }, launch);
}

/** Runs the device's update kernel, behind the seam where one is installed. */
export function launchUpdate(
  entry: DeviceEntry,
  update: Update,
  rows: readonly UpdateRow[],
  parameters: Parameters,
): void {
  const launch = (): void => entry.kernels.update!.run(update, rows, parameters);
  if (kernelInterceptor === null) {
    launch();
    return;
  }
  const operands = rows.flatMap((row) => row.operands);
  kernelInterceptor(
    { device: entry.device, kernel: 'update', args: [update, rows, parameters], operands },
    launch,
  );
}
