import { manualSeed, type Tensor, tensor } from 'flambeau';
manualSeed(0);
const a: Tensor = tensor([1, 2, 3, 4], { requiresGrad: true });
const b: Tensor = tensor([5, 6, 7, 8], { requiresGrad: true });
const forward = (): Tensor => a.mul(b).add(b).mul(a).sum();
const N = 100000;
function timeit(label: string, f: () => void) { for (let i=0;i<20000;i++) f(); const ts=[]; for(let k=0;k<9;k++){const t=performance.now(); for(let i=0;i<N/2;i++) f(); ts.push((performance.now()-t)/(N/2)*1e6);} ts.sort((x,y)=>x-y); console.log(label, ts[4]!.toFixed(0)); }
const which = process.argv[2];
if (which !== 'b') timeit('forward', () => { forward(); });
timeit('both', () => { a.grad=null; b.grad=null; forward().backward(); });
