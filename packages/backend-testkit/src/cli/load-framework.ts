import { pathToFileURL } from 'node:url';
import type { Backend } from '@flambeau/core/backend';
import { type Framework, frameworkOn, isCallable, isObject, type Namespace } from '../golden/framework.ts';

interface BackendModule {
  readonly module: string;
  readonly factory: string;
}

const backends: Readonly<Record<string, BackendModule>> = {
  cpu: { module: '@flambeau/backend-cpu', factory: 'cpu' },
  webgpu: { module: '@flambeau/backend-webgpu', factory: 'webgpu' },
  cuda: { module: '@flambeau/backend-cuda', factory: 'cuda' },
  // Lies beside the tests: it is there to prove the contract, not to be used.
  alien: { module: new URL('../../test/alien/index.ts', import.meta.url).href, factory: 'alien' },
};

/**
 * The framework with one backend registered and made the default device.
 *
 * @param backend One of the names above, or `MODULE#FACTORY` for any other.
 * @param options What its factory is given.
 */
export async function loadFramework(backend: string, options?: unknown): Promise<Framework> {
  const { module, factory } = backends[backend] ?? parseBackend(backend);
  // The names are values: this package depends on core alone, and runs whatever is installed beside it.
  const core = await load('@flambeau/core');
  const make = (await load(module))[factory];
  if (!isCallable(make)) throw new Error(`${module} exports no function ${factory}`);
  const { registerBackend, setDefaultDevice } = core;
  if (!isCallable(registerBackend) || !isCallable(setDefaultDevice))
    throw new Error('core exports no registerBackend');
  // What core registers is a backend.
  const instance = registerBackend(await make(options)) as Backend;
  setDefaultDevice(instance.device);
  const nn = await loadIfThere('@flambeau/nn');
  const optim = await loadIfThere('@flambeau/optim');
  return frameworkOn(instance, { core, nn, optim });
}

function parseBackend(text: string): BackendModule {
  const [module = '', factory = 'default'] = text.split('#');
  const isPath = module.startsWith('.') || module.startsWith('/');
  return { module: isPath ? pathToFileURL(module).href : module, factory };
}

async function load(name: string): Promise<Namespace> {
  return (await import(name)) as Namespace;
}

async function loadIfThere(name: string): Promise<Namespace | undefined> {
  try {
    return await load(name);
  } catch (error) {
    if (isObject(error) && error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
