import type { Shader } from './types.ts';

const GROUP = 64;

/**
 * Copies bytes from any place to any other: each invocation makes one word of the target, from two words of the
 * source, and keeps the bytes of the target that lie outside.
 * Uniforms: the first target word, target byte offset, source byte offset, byte length, words.
 */
export const copyBytesShader: Shader = {
  key: 'copy bytes',
  bindings: ['read', 'read_write'],
  words: 8,
  workgroupSize: [GROUP, 1, 1],
  source: () => `
@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> copied: array<u32>;
@group(0) @binding(2) var<uniform> uniforms: array<vec4<u32>, 2>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * ${GROUP}u;
  let first = uniforms[0].x;
  let begin = uniforms[0].y;
  let from_byte = uniforms[0].z;
  let count = uniforms[0].w;
  if (i >= uniforms[1].x) { return; }
  let word = first + i;
  var bits = copied[word];
  for (var lane = 0u; lane < 4u; lane++) {
    let at = word * 4u + lane;
    if (at < begin || at >= begin + count) { continue; }
    let taken = from_byte + (at - begin);
    let value = (source[taken >> 2u] >> ((taken & 3u) * 8u)) & 0xffu;
    bits = (bits & ~(0xffu << (lane * 8u))) | (value << (lane * 8u));
  }
  copied[word] = bits;
}`,
};

/** The uniforms and workgroups of a copy. */
export function copyBytesLaunch(
  sourceOffset: number,
  targetOffset: number,
  byteLength: number,
): { readonly uniforms: Uint32Array; readonly workgroups: readonly [number, number, number] } {
  const first = Math.floor(targetOffset / 4);
  const words = Math.ceil((targetOffset + byteLength) / 4) - first;
  const groups = Math.ceil(words / GROUP);
  const rows = Math.ceil(groups / 65_535);
  return {
    uniforms: Uint32Array.of(first, targetOffset, sourceOffset, byteLength, words, 0, 0, 0),
    workgroups: [Math.ceil(groups / rows), rows, 1],
  };
}
