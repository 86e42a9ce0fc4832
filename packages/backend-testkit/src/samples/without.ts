const NO_OPERATOR = 'it is no operator';
const RANDOM = 'its results are random: tests of random numbers are in core';
const CONTENT = 'the content of what it makes is undefined';
const TWIN = 'the synchronous twin of an operator that is in the table';
const OWN = 'it makes operators, and has tests of its own in core';

const all = (names: string, reason: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, reason]),
  );

/** Functions that core exports and that have no samples, each with the reason. */
export const withoutSamples: Readonly<Record<string, string>> = {
  ...all(
    `ArgumentError AutogradError BackendError CheckpointError DTypeError DeviceError Expr FlambeauError Generator
     OutOfMemoryError ShapeError Tensor`,
    'it is a class',
  ),
  ...all(
    `checkOptions describe enableGrad equalSync fromArray getDefaultDevice getDefaultDtype grad gradcheck gradgradcheck
     hasDevice isComplex isFloating isGradEnabled isInteger isTensor manualSeed memory.configure memory.reclaim memory.summary memory.use nextTurn noGrad pickDevice print
     printOptions promoteTypes registerBackend registerKernels resultType scope setDefaultDevice setDefaultDtype
     setDetectAnomaly setKernelInterceptor setOperatorInterceptor showShape slice supportsDType swapData tensor tidy
     unregisterBackend waitingPoint withoutOperatorInterceptor`,
    NO_OPERATOR,
  ),
  ...all(
    'load loadWithMetadata save saveSync serialize serializeSync',
    'checkpoints have tests of their own in core',
  ),
  ...all('rand randn randint randLike randnLike randintLike bernoulli_ normal_ uniform_', RANDOM),
  ...all('empty emptyLike', CONTENT),
  ...all('nonzeroSync', TWIN),
  ...all('pointwise scalarFunction customOp update', OWN),
  var: 'another name of variance, which is in the table',
  set_: 'it changes its tensor in place and has tests of its own in core',
};
