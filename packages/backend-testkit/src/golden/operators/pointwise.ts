import type { Adapter, OperatorFamily } from '../call.ts';
import { callMethod } from '../framework.ts';

const each = (names: string, parameters: string) =>
  names.split(/\s+/).map((name) => `${name}(${parameters})`);

const unary = `
  abs acos acosh alias_copy angle asin asinh atan atanh bitwise_not ceil clone conj conj_physical contiguous cos cosh
  deg2rad digamma erf erfc erfinv exp exp2 expm1 floor frac i0 imag isfinite isinf isnan isneginf isposinf isreal lgamma
  log log10 log1p log2 logical_not neg positive rad2deg real reciprocal resolve_conj resolve_neg rsqrt sgn sigmoid sign
  signbit sin sinc sinh sqrt square tan tanh trunc view_as_complex view_as_real
  special.airy_ai special.bessel_j0 special.bessel_j1 special.bessel_y0 special.bessel_y1 special.entr special.erfcx
  special.i0e special.i1 special.i1e special.log_ndtr special.modified_bessel_i0 special.modified_bessel_i1
  special.modified_bessel_k0 special.modified_bessel_k1 special.ndtr special.ndtri special.scaled_modified_bessel_k0
  special.scaled_modified_bessel_k1 special.spherical_bessel_j0`.trim();

const binary = `
  atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign eq equal floor_divide
  fmax fmin fmod gcd ge gt hypot igamma igammac lcm ldexp le logaddexp logaddexp2 logical_and logical_or
  logical_xor lt maximum minimum mul ne nextafter remainder true_divide xlogy
  special.xlog1py special.zeta`.trim();

const polynomials = `
  special.chebyshev_polynomial_t special.chebyshev_polynomial_u special.chebyshev_polynomial_v
  special.chebyshev_polynomial_w special.hermite_polynomial_h special.hermite_polynomial_he
  special.laguerre_polynomial_l special.legendre_polynomial_p special.shifted_chebyshev_polynomial_t
  special.shifted_chebyshev_polynomial_u special.shifted_chebyshev_polynomial_v
  special.shifted_chebyshev_polynomial_w`.trim();

/** PyTorch has a method for each; here it is `to({ dtype })`. */
const casts = {
  bfloat16: 'bfloat16',
  bool: 'bool',
  byte: 'uint8',
  cdouble: 'complex128',
  cfloat: 'complex64',
  char: 'int8',
  double: 'float64',
  float: 'float32',
  half: 'float16',
  int: 'int32',
  long: 'int64',
  short: 'int16',
};

const castTo: (dtype: string) => Adapter =
  (dtype) =>
  ({ named }) =>
    callMethod(named.get('input') as object, 'to', { dtype });

/** What works element by element, with broadcasting and promotion. */
export const pointwise: OperatorFamily = {
  signatures: [
    ...each(unary, 'input'),
    ...each(binary, 'input: Scalar, other: Scalar'),
    ...each(polynomials, 'input, n'),

    'add(input: Scalar, other: Scalar, *, alpha=1)',
    'sub(input: Scalar, other: Scalar, *, alpha=1)',
    'rsub(input, other: Scalar, alpha=1)',
    'div(input: Scalar, other: Scalar, *, rounding_mode=None)',
    'pow(input: Scalar, exponent: Scalar)',
    'float_power(input: Scalar, exponent: Scalar)',
    'addcdiv(input, tensor1, tensor2, *, value=1)',
    'addcmul(input, tensor1, tensor2, *, value=1)',
    'lerp(input, end, weight)',
    'clamp(input, min=None, max=None)',
    'clamp_max(input, max: Scalar)',
    'clamp_min(input, min: Scalar)',
    'round(input, *, decimals=0)',
    'fill(input, value)',
    'zero_(input)',
    'frexp(input) -> mantissa, exponent',
    'nan_to_num(input, nan=0.0, posinf=None, neginf=None)',
    'logit(input, eps=None)',
    'mvlgamma(input, p)',
    'isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)',
    'allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)',
    'polar(abs, angle)',
    'complex(real|input, imag|other)',
    'heaviside(input, values|other)',
    'native_dropout_backward(grad_output, mask, scale)',
    // The cases give the tensor first, PyTorch takes the order first.
    'polygamma(input, n) => polygamma(n, input)',
    'special.polygamma(input, n) => special.polygamma(n, input)',

    // The tensor of the cases stands on the right of the operator.
    '__radd__(input, other: Scalar) => add(other, input)',
    '__rmul__(input, other: Scalar) => mul(other, input)',
    '__rsub__(input, other: Scalar) => sub(other, input)',
    '__rdiv__(input, other: Scalar) => div(other, input)',
    '__rpow__(input, other: Scalar) => pow(other, input)',
    '__rmod__(input, other: Scalar) => remainder(other, input)',
    '__rand__(input, other: Scalar) => bitwise_and(other, input)',
    '__ror__(input, other: Scalar) => bitwise_or(other, input)',
    '__rxor__(input, other: Scalar) => bitwise_xor(other, input)',

    // The cases put the tensor that takes a gradient before the condition.
    'where(input: Scalar, condition: Tensor, other: Scalar) => where(condition, input, other)',
    'where(input: Tensor) => where(input)',
    'masked_fill(input, mask, value)',

    ...Object.keys(casts).map((name) => `${name}(input)`),
    'item(input)',
  ],
  adapters: {
    // A leaf that needs a gradient refuses changes in place, here as in PyTorch.
    zero_: ({ named }) => callMethod(callMethod(named.get('input') as object, 'clone') as object, 'zero_'),
    ...Object.fromEntries(Object.entries(casts).map(([name, dtype]) => [name, castTo(dtype)])),
  },
};
