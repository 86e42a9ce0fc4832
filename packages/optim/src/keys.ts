/** PyTorch's spelling of one of our names: `weightDecay` is `weight_decay`, `TMax` is `T_max`. */
export const toTorchKey = (name: string): string =>
  name
    .replace(/^T(?=[A-Z\d])/, 'T_')
    .replace(/(?<=[a-z\d])[A-Z]/g, (letter) => `_${letter}`)
    .replace(/(?<=_)[A-Z]/g, (letter) => letter.toLowerCase());
