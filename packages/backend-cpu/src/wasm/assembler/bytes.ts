/** The number encodings of the WebAssembly format, each appended to `out`. */

/** Unsigned LEB128. */
export function unsigned(out: number[], value: number): void {
  let rest = value;
  while (rest > 127) {
    out.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(out: number[], value: number): void {
  let rest = value | 0;
  while (rest < -64 || rest > 63) {
    out.push((rest & 127) | 128);
    rest >>= 7;
  }
  out.push(rest & 127);
}

/** Signed LEB128 of a 64-bit integer. */
export function signed64(out: number[], value: bigint): void {
  let rest = BigInt.asIntN(64, value);
  while (rest < -64n || rest > 63n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest & 127n));
}

const scratch = new DataView(new ArrayBuffer(8));

export function float32(out: number[], value: number): void {
  scratch.setFloat32(0, value, true);
  for (let i = 0; i < 4; i++) out.push(scratch.getUint8(i));
}

export function float64(out: number[], value: number): void {
  scratch.setFloat64(0, value, true);
  for (let i = 0; i < 8; i++) out.push(scratch.getUint8(i));
}

export function int32(out: number[], value: number): void {
  out.push(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
}

export function int64(out: number[], value: bigint): void {
  int32(out, Number(BigInt.asIntN(32, value)));
  int32(out, Number(BigInt.asIntN(32, value >> 32n)));
}

/** A name: its length and its characters, all of them ASCII. */
export function text(out: number[], value: string): void {
  unsigned(out, value.length);
  for (let i = 0; i < value.length; i++) out.push(value.charCodeAt(i));
}
