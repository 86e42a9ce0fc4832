import type { OperatorFamily } from '../call.ts';

const windows = 'bartlett blackman cosine hamming hann nuttall'.split(' ');

/** What makes tensors from numbers. */
export const creation: OperatorFamily = {
  signatures: [
    'arange(end, *, dtype=None, requires_grad=False)',
    'arange(start, end, *, dtype=None, requires_grad=False)',
    'arange(start, end, step, *, dtype=None, requires_grad=False)',
    'linspace(start, end, steps, *, dtype=None, requires_grad=False)',
    'logspace(start, end, steps, base=10.0, *, dtype=None, requires_grad=False)',
    'eye(n, *, dtype=None, requires_grad=False)',
    'eye(n, m, *, dtype=None, requires_grad=False)',
    'full(size, fill_value, *, dtype=None, requires_grad=False)',
    'full_like(input, fill_value, *, dtype=None, requires_grad=False)',
    'new_full(input, size, fill_value, *, dtype=None, requires_grad=False)',
    ...['ones', 'zeros'].flatMap((name) => [
      `${name}(size: list, *, dtype=None, requires_grad=False)`,
      `${name}(...size: int, dtype=None, requires_grad=False)`,
      `${name}_like(input, *, dtype=None, requires_grad=False)`,
      `new_${name}(input, size: list, dtype=None, *, requires_grad=False)`,
      `new_${name}(input, ...size: int, dtype=None, requires_grad=False)`,
    ]),
    'scalar_tensor(s, *, dtype=None, requires_grad=False)',
    'tril_indices(row, col, offset=0, *, dtype=None)',
    'triu_indices(row, col, offset=0, *, dtype=None)',
    ...windows.map((name) => `signal.windows.${name}(M, *, sym=True, dtype=None, requires_grad=False)`),
    'signal.windows.exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, requires_grad=False)',
    'signal.windows.gaussian(M, *, std=1.0, sym=True, dtype=None, requires_grad=False)',
    'signal.windows.general_cosine(M, *, a, sym=True, dtype=None, requires_grad=False)',
    'signal.windows.general_hamming(M, *, alpha=0.54, sym=True, dtype=None, requires_grad=False)',
    'signal.windows.kaiser(M, *, beta=12.0, sym=True, dtype=None, requires_grad=False)',
  ],
};
