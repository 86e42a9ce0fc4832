import { DTYPES, type DType, sizeOf, type TensorOperand } from '@flambeau/core/backend';
import type { Operands } from './rows.ts';

/** Which scores count: all, those of keys up to the query's own place, or what a mask of truths or of scores says. */
export type MaskKind = 'none' | 'causal' | 'truths' | 'scores';

/** What decides a shader of attention, besides what it computes. */
export interface AttentionForm {
  readonly dtype: DType;
  /** Dimensions of the batch. */
  readonly rank: number;
  readonly features: number;
  readonly valueFeatures: number;
  readonly mask: MaskKind;
  /** Whether rows are read in aligned vec4s. */
  readonly vector: boolean;
}

export const MASKS: readonly MaskKind[] = ['none', 'causal', 'truths', 'scores'];

/** What the mask of a call is. */
export function maskKind({ attnMask }: Operands, { isCausal }: Readonly<Record<string, unknown>>): MaskKind {
  if (isCausal === true) return 'causal';
  if (attnMask === undefined) return 'none';
  return attnMask.dtype === 'bool' ? 'truths' : 'scores';
}

/** The dtype of a mask's elements, beside operands of `dtype`; null where there are none. */
export function maskDType(mask: MaskKind, dtype: DType): DType | null {
  if (mask === 'truths') return 'bool';
  return mask === 'scores' ? dtype : null;
}

/** Whether shaders read such a mask beside operands of `dtype`. */
export const takesMask = (mask: TensorOperand | undefined, dtype: DType): boolean =>
  mask === undefined || (sizeOf(mask.shape) > 0 && (mask.dtype === 'bool' || mask.dtype === dtype));

/** Features of a row beyond which its registers would be too many. */
export const MOST_FEATURES = 128;
const RANKS = 9;

/** A form as a number, digit by digit. */
export function codeOf({ dtype, rank, features, valueFeatures, mask, vector }: AttentionForm): number {
  let code = DTYPES[dtype].index;
  const put = (digit: number, base: number): void => {
    code = code * base + digit;
  };
  put(rank, RANKS);
  put(features, MOST_FEATURES + 1);
  put(valueFeatures, MOST_FEATURES + 1);
  put(MASKS.indexOf(mask), MASKS.length);
  put(Number(vector), 2);
  return code;
}
