import {
  ArgumentError,
  checkOptions,
  type Device,
  hasDevice,
  isComplex,
  isFloating,
  noGrad,
  scope,
  supportsDType,
  swapData,
  type Tensor,
  type ToOptions,
} from '@flambeau/core';
import type { AnyModule } from './module.ts';
import { descend } from './walk.ts';

/** Parameters, buffers and the parameters' gradients, each once. */
function held(module: AnyModule): ReadonlySet<Tensor> {
  const tensors = new Set<Tensor>();
  descend(module, '', (_module, _prefix, members) => {
    for (const member of members) {
      if (member.kind === 'child') continue;
      tensors.add(member.value);
      if (member.value.ownGrad !== null) tensors.add(member.value.ownGrad);
    }
  });
  return tensors;
}

/** Gives all that a module holds new elements under the same handles. */
export function moveTo(module: AnyModule, target: Device | ToOptions): void {
  const options = typeof target === 'string' ? { device: target } : target;
  checkOptions('to', options, ['dtype', 'device']);
  const { dtype, device } = options;
  if (dtype !== undefined && !isFloating(dtype) && !isComplex(dtype)) {
    throw new ArgumentError(
      `to: a model's dtype is floating, such as 'float64'; got '${dtype}' (integer buffers stay as they are)`,
      { op: 'to', data: { dtype } },
    );
  }
  noGrad(() => {
    scope(() => {
      // All that can fail comes before the first swap.
      const converted = [...held(module)].map((tensor) => [tensor, convert(tensor, dtype, device)] as const);
      for (const [tensor, replacement] of converted) swapData(tensor, replacement);
    });
  });
}

function convert(tensor: Tensor, dtype: ToOptions['dtype'], device: Device | undefined): Tensor {
  const wanted = dtype !== undefined && isFloating(tensor.dtype) ? dtype : tensor.dtype;
  if (device === undefined || device === tensor.device) return tensor.to({ dtype: wanted });
  // Core says what is wrong with the name.
  if (!hasDevice(device)) return tensor.to(device);
  // Counts are int64 where a device has it, and int32 elsewhere.
  const fitting = wanted === 'int64' && !supportsDType(device, 'int64') ? 'int32' : wanted;
  return supportsDType(device, tensor.dtype)
    ? tensor.to({ device }).to({ dtype: fitting })
    : tensor.to({ dtype: fitting }).to({ device });
}

/** `moveTo` the CPU, from devices that can only be read by waiting. */
export async function moveToCpu(module: AnyModule): Promise<void> {
  const tensors = [...held(module)];
  const copies = await Promise.all(tensors.map((tensor) => tensor.detach().cpu()));
  tensors.forEach((tensor, i) => {
    swapData(tensor, copies[i]!);
    if (copies[i] !== tensor) copies[i]!.dispose();
  });
}
