export { revectorizedTile } from '../wasm/matmul/revectorize.ts';
