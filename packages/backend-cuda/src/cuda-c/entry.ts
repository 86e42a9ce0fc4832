/**
 * The text of one entry. Its bounds name a least number of `blocks` for a multiprocessor: without it, ptxas spills a
 * few registers to keep within 32 of them.
 */
export function entrySource(
  name: string,
  parameters: readonly string[],
  body: string,
  before: string,
  threads = 0,
  blocks = 1,
): string {
  const bounds = threads > 0 ? `__launch_bounds__(${threads}, ${blocks}) ` : '';
  return `${before}
extern "C" __global__ void ${bounds}${name}(${parameters.join(', ')}) {
${body}
}
`;
}
