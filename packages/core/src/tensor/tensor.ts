import { hideFrames } from '../errors.ts';
import { Tensor } from '../graph/tensor.ts';
import * as operators from '../ops/methods.ts';
import { read, readSync } from '../ops/reading.ts';
import { where } from '../ops/where.ts';
import * as methods from './installed.ts';
import { format } from './print.ts';

/** A function whose first argument is the tensor that it becomes a method of. */
type TensorFunction = (x: Tensor, ...args: unknown[]) => unknown;
type Method = (this: Tensor, ...args: never[]) => unknown;

/** A method that calls `fn` with the tensor first, and whose errors begin at its caller. */
function methodOf(fn: TensorFunction): Method {
  function method(this: Tensor, a: unknown, b: unknown, c: unknown): unknown {
    try {
      // biome-ignore lint/complexity/noArguments: a rest parameter would make an array for each call
      switch (arguments.length) {
        case 0:
          return fn(this);
        case 1:
          return fn(this, a);
        case 2:
          return fn(this, a, b);
        case 3:
          return fn(this, a, b, c);
        default:
          // biome-ignore lint/complexity/noArguments: as above
          return fn(this, ...arguments);
      }
    } catch (error) {
      throw error instanceof Error ? hideFrames(error, method as Method) : error;
    }
  }
  return method as Method;
}

function define(name: string, value: Method): void {
  Object.defineProperty(Tensor.prototype, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

function defineGetter(name: string, get: (this: Tensor) => unknown): void {
  Object.defineProperty(Tensor.prototype, name, { get, configurable: true, enumerable: false });
}

for (const [name, fn] of Object.entries<unknown>({ ...operators, ...methods })) {
  if (typeof fn !== 'function') continue;
  define(name, methodOf(fn as TensorFunction));
  const { inPlace } = fn as { inPlace?: TensorFunction };
  if (inPlace !== undefined) define(`${name}_`, methodOf(inPlace));
}

define(
  'where',
  methodOf((x, condition, other) => where(condition as Tensor, x, other as Tensor)),
);
defineGetter('T', function () {
  return operators.reverseDims(this);
});
defineGetter('mT', function () {
  return operators.matrixTranspose(this);
});
defineGetter('H', function () {
  return operators.matrixTranspose(this);
});
defineGetter('mH', function () {
  return operators.matrixTranspose(this);
});

const text = (x: Tensor): string =>
  format(
    x,
    x.disposed || x.entry.backend.readSync === undefined || x.device === 'meta'
      ? undefined
      : readSync('toString', x),
  );

define('toString', function (this: Tensor) {
  return text(this);
});
define('toJSON', function (this: Tensor) {
  return { shape: this.shape, dtype: this.dtype, device: this.device };
});
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Tensor) {
    return text(this);
  },
});

/**
 * The tensor as text, as PyTorch prints it, from any device.
 *
 * @example await print(tensor([1, 2])) // 'tensor([1., 2.])'
 */
export const print = async (x: Tensor): Promise<string> => format(x, await read('print', x));

export { Tensor };
