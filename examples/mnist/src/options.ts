import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { type Device, getDefaultDevice, hasDevice } from 'flambeau';

export interface Options {
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly seed: number;
  readonly device: Device;
  /** Whether the CPU computes in WebAssembly, or in JavaScript alone. */
  readonly wasm: boolean;
  /** How many images of each part are used; all when absent. */
  readonly limit?: number;
  readonly out: string;
}

const modelFile = fileURLToPath(new URL('../model.safetensors', import.meta.url));

/** Reads the command line. A wrong one is told in one line and ends the process with 1. */
export function parseOptions(argv: readonly string[]): Options {
  const program = new Command('mnist')
    .description('Trains a small network on MNIST, tests it, saves it and loads it again.')
    .option('--epochs <count>', 'how often the network sees every image', integerFrom(1), 3)
    .option('--batch-size <count>', 'images in one step', integerFrom(1), 64)
    .option('--lr <rate>', 'learning rate', positiveNumber, 0.002)
    .option('--seed <integer>', 'makes a run repeatable', integerFrom(0), 0)
    .option('--device <name>', 'where to compute: cpu, webgpu or cuda', registeredDevice, getDefaultDevice())
    .option('--no-wasm', 'let the CPU compute in JavaScript alone, to compare')
    .option('--limit <count>', 'how many images to use of each part; all by default', integerFrom(1))
    .option('--out <file>', 'where the model is saved', modelFile)
    .allowExcessArguments(false)
    // A suggestion would stand on a line of its own.
    .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll('\n', ' ')}\n`) });
  return program.parse(argv).opts<Options>();
}

const integerFrom =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be an integer of ${least} or more.`);
  };

function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

function registeredDevice(name: string): Device {
  // The program registers the others when they are asked for.
  if (hasDevice(name) || name === 'webgpu' || name === 'cuda') return name as Device;
  throw new InvalidArgumentError(
    `No backend is registered for it; there are ${getDefaultDevice()}, webgpu and cuda.`,
  );
}
