import { describe, expect, it } from 'vitest';
import { Commands } from '../../src/native/commands.ts';

const at = (address: number) => ({ address, byteLength: 64 });

describe('the command buffer', () => {
  it('holds a header and each argument in 8 bytes', () => {
    const commands = new Commands();
    const address = 0x7f12_3456_7800;
    commands
      .reset()
      .pointer(at(address), 0x90)
      .i32(-7)
      .i64(-(2 ** 40) - 3)
      .i64(2n ** 62n + 1n)
      .f32(1.5)
      .f64(0.1);
    commands.header(12, [3, 4, 5], [32, 8, 2], 4096);
    const view = new DataView(commands.buffer);
    const word = (i: number): number => view.getInt32(4 * i, true);
    expect(Array.from({ length: 9 }, (_, i) => word(i))).toEqual([12, 6, 3, 4, 5, 32, 8, 2, 4096]);
    expect(view.getBigUint64(40, true)).toBe(BigInt(address + 0x90));
    expect(view.getInt32(48, true)).toBe(-7);
    expect(view.getBigInt64(56, true)).toBe(-(2n ** 40n) - 3n);
    expect(view.getBigInt64(64, true)).toBe(2n ** 62n + 1n);
    expect(view.getFloat32(72, true)).toBe(1.5);
    expect(view.getFloat64(80, true)).toBe(0.1);
  });

  it('carries the low half of an address over into the high one', () => {
    const commands = new Commands();
    commands.reset().pointer(at(2 ** 41 + 2 ** 32 - 16), 32);
    expect(new DataView(commands.buffer).getBigUint64(40, true)).toBe(2n ** 41n + 2n ** 32n + 16n);
  });

  it('begins anew after reset', () => {
    const commands = new Commands();
    commands.reset().i32(1).i32(2);
    commands.reset().i32(3);
    commands.header(0, [1, 1, 1], [1, 1, 1], 0);
    expect(new Int32Array(commands.buffer)[1]).toBe(1);
  });

  it('refuses more arguments than there is room for', () => {
    const commands = new Commands();
    commands.reset();
    for (let i = 0; i < 257; i++) commands.i32(i);
    expect(() => commands.header(0, [1, 1, 1], [1, 1, 1], 0)).toThrow(
      'a kernel takes 256 arguments at most, got 257',
    );
  });
});
