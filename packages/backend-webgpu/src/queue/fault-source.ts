/**
 * What a shader declares to report indices out of range, at the binding of `Queue.faults`. `report_fault(site, index)`
 * keeps the first report; the kernel goes on without reading or writing there.
 */
export const faultSource = (binding: number): string => `
@group(0) @binding(${binding}) var<storage, read_write> faults: array<atomic<u32>, 4>;
fn report_fault(site: u32, index: i32) {
  if (atomicAdd(&faults[0], 1u) == 0u) {
    atomicStore(&faults[1], site);
    atomicStore(&faults[2], bitcast<u32>(index));
  }
}`;
