// Generated; run `npm run generate`.
export interface TensorMethods {
  toString(): string;
}
