export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/**
 * How far a result may lie from PyTorch's, `|a - b| <= atol + rtol * |b|`, by the dtype of the result. PyTorch's were
 * computed in float64 and rounded once; the narrow ones allow a few roundings of their own.
 */
const forResults: Readonly<Record<string, Tolerance>> = {
  float64: { rtol: 1e-7, atol: 1e-9 },
  float32: { rtol: 1e-4, atol: 1e-5 },
  complex64: { rtol: 1e-4, atol: 1e-5 },
  float16: { rtol: 2e-3, atol: 1e-4 },
  bfloat16: { rtol: 1.6e-2, atol: 1e-3 },
};

/** Gradients pass through more operations, so each gets ten times as much. */
const gradientFactor = 10;

interface Override {
  /** The operator or module, `op` or `op.variant`. */
  readonly name: string;
  readonly of: 'results' | 'gradients' | 'both';
  readonly tolerance: Tolerance;
  /** Why float32 cannot do better here. */
  readonly cause: string;
}

const overrides: readonly Override[] = [];

/** @param name The operator or module; @param dtype the dtype of the expected result. */
export function toleranceFor(name: string, dtype: string, of: 'results' | 'gradients'): Tolerance {
  const override = overrides.find((entry) => entry.name === name && (entry.of === 'both' || entry.of === of));
  if (override !== undefined) return override.tolerance;
  const { rtol, atol } = forResults[dtype] ?? { rtol: 0, atol: 0 };
  const factor = of === 'gradients' ? gradientFactor : 1;
  return { rtol: rtol * factor, atol: atol * factor };
}
