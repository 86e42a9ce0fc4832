import { randn, type Tensor } from '@flambeau/core';

export const float64 = { dtype: 'float64' } as const;

/** Random elements in float64 that want a gradient: what gradcheck takes. */
export const watched = (shape: readonly number[]): Tensor => randn(shape, { ...float64, requiresGrad: true });

export const values = (x: Tensor | null): unknown => x?.toArraySync();
