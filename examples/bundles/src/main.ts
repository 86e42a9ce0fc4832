import { nn, optim, tensor } from 'flambeau';

/** What the page hands to whoever opened it. */
export interface Report {
  sum: string;
  lossBefore: number;
  lossAfter: number;
}

async function run(): Promise<Report> {
  const sum = tensor([1, 2, 3]).add(tensor([3, 2, 1]));

  const x = tensor([[1], [2], [3], [4]]);
  const y = tensor([[2], [4], [6], [8]]);
  const model = new nn.Linear(1, 1);
  const criterion = new nn.MSELoss();
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });

  const loss = criterion.forward(model.forward(x), y);
  const lossBefore = await loss.item();
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  const lossAfter = await criterion.forward(model.forward(x), y).item();

  return { sum: String(sum), lossBefore: Number(lossBefore), lossAfter: Number(lossAfter) };
}

declare global {
  var report: Promise<Report>;
}
globalThis.report = run();
globalThis.report.then(
  ({ sum, lossBefore, lossAfter }) => {
    document.body.textContent = `${sum}\nloss ${lossBefore} → ${lossAfter}`;
  },
  (error: unknown) => {
    document.body.textContent = String(error);
  },
);
