import { BackendError } from '@flambeau/core/backend';
import { STAGE_COMPUTE } from '../device/flags.ts';
import type { Shader } from './types.ts';

/** A shader that compiles, or has. */
export interface Pipeline {
  /** The shader's key. */
  readonly key: string;
  /** Null while it is being compiled, and where it was refused. */
  compiled: GPUComputePipeline | null;
  /** Why it was refused. */
  fault: BackendError | null;
  readonly descriptor: GPUComputePipelineDescriptor;
  readonly layout: GPUBindGroupLayout;
  /** Dense from 0; pipelines of one layout share bind groups. */
  readonly layoutId: number;
  /** Bytes of the uniform block as it is bound; 0 where there is none. */
  readonly uniformBytes: number;
}

interface Layout {
  readonly id: number;
  readonly bindGroup: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

/** Uniform blocks are bound in steps of so many bytes, so that few bind groups serve many shaders. */
const UNIFORM_STEP = 256;

/**
 * Compiled shaders: by their object, and by key where two objects say the same. They compile on threads of the device's,
 * while the program goes on enqueuing.
 */
export class Pipelines {
  private readonly device: GPUDevice;
  private readonly report: (fault: BackendError) => void;
  private readonly byShader = new WeakMap<Shader, Pipeline>();
  private readonly byKey = new Map<string, Pipeline>();
  private readonly layouts = new Map<string, Layout>();
  private readonly compiling = new Set<Promise<void>>();

  constructor(device: GPUDevice, report: (fault: BackendError) => void) {
    this.device = device;
    this.report = report;
  }

  get count(): number {
    return this.byKey.size;
  }

  of(shader: Shader): Pipeline {
    return this.byShader.get(shader) ?? this.make(shader);
  }

  private make(shader: Shader): Pipeline {
    const made = this.byKey.get(shader.key) ?? this.compile(shader);
    this.byKey.set(shader.key, made);
    this.byShader.set(shader, made);
    return made;
  }

  private compile(shader: Shader): Pipeline {
    const { device } = this;
    const { key, words } = shader;
    const layout = this.layoutOf(shader);
    const code = shader.source();
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: key, code });
    const checked = device.popErrorScope();
    const pipeline: Pipeline = {
      key,
      compiled: null,
      fault: null,
      descriptor: { label: key, layout: layout.pipeline, compute: { module, entryPoint: 'main' } },
      layout: layout.bindGroup,
      layoutId: layout.id,
      uniformBytes: Math.ceil((words * 4) / UNIFORM_STEP) * UNIFORM_STEP,
    };
    const arrival = this.arrive(pipeline, code, checked).finally(() => this.compiling.delete(arrival));
    this.compiling.add(arrival);
    return pipeline;
  }

  private async arrive(pipeline: Pipeline, source: string, checked: Promise<GPUError | null>): Promise<void> {
    const [module, compiled] = await Promise.allSettled([
      checked,
      this.device.createComputePipelineAsync(pipeline.descriptor),
    ]);
    if (compiled.status === 'fulfilled') {
      pipeline.compiled ??= compiled.value;
      return;
    }
    const error = (module.status === 'fulfilled' ? module.value : null) ?? (compiled.reason as Error);
    pipeline.fault = refused(pipeline.key, source, error.message);
    this.report(pipeline.fault);
  }

  /** Whether any shader is being compiled. */
  get isCompiling(): boolean {
    return this.compiling.size > 0;
  }

  /** Resolves when what was being compiled at the call is ready, or was refused. */
  async ready(): Promise<void> {
    await Promise.all(this.compiling);
  }

  /** Compiles at once, for who cannot wait; null where the shader was refused. */
  atOnce(pipeline: Pipeline): GPUComputePipeline | null {
    if (pipeline.compiled !== null || pipeline.fault !== null) return pipeline.compiled;
    const { device } = this;
    device.pushErrorScope('validation');
    pipeline.compiled = device.createComputePipeline(pipeline.descriptor);
    // What is wrong with it is reported when it arrives.
    device.popErrorScope().catch(() => {});
    return pipeline.compiled;
  }

  private layoutOf({ bindings, words }: Shader): Layout {
    const key = `${bindings.join()}|${words > 0}`;
    let layout = this.layouts.get(key);
    if (layout === undefined) {
      layout = this.makeLayout(bindings, words > 0);
      this.layouts.set(key, layout);
    }
    return layout;
  }

  private makeLayout(bindings: Shader['bindings'], uniforms: boolean): Layout {
    const entries: GPUBindGroupLayoutEntry[] = bindings.map((access, binding) => ({
      binding,
      visibility: STAGE_COMPUTE,
      buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
    }));
    if (uniforms) {
      entries.push({
        binding: bindings.length,
        visibility: STAGE_COMPUTE,
        buffer: { type: 'uniform', hasDynamicOffset: true },
      });
    }
    const bindGroup = this.device.createBindGroupLayout({ entries });
    const pipeline = this.device.createPipelineLayout({ bindGroupLayouts: [bindGroup] });
    return { id: this.layouts.size, bindGroup, pipeline };
  }
}

function refused(key: string, source: string, message: string): BackendError {
  const [first] = message.split('\n');
  return new BackendError(
    `webgpu: the shader ${key} did not compile: ${first}; error.data.source holds its text, please report it`,
    { data: { key, source, message } },
  );
}
