/** The text of one entry. */
export function entrySource(
  name: string,
  parameters: readonly string[],
  body: string,
  before: string,
  threads = 0,
): string {
  const bounds = threads > 0 ? `__launch_bounds__(${threads}) ` : '';
  return `${before}
extern "C" __global__ void ${bounds}${name}(${parameters.join(', ')}) {
${body}
}
`;
}
