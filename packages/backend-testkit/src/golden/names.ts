/** PyTorch's `snake_case` as our `camelCase`: `log_softmax` → `logSoftmax`, `T_max` → `TMax`, `atleast_1d` → `atleast1d`. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[^_])_([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
