import { BackendError } from '@flambeau/core/backend';
import { STAGE_COMPUTE } from '../device/flags.ts';
import type { Shader } from './types.ts';

/** A compiled shader. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
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

/** Compiled shaders: by their object, and by key where two objects say the same. */
export class Pipelines {
  private readonly device: GPUDevice;
  private readonly report: (fault: BackendError) => void;
  private readonly byShader = new WeakMap<Shader, Pipeline>();
  private readonly byKey = new Map<string, Pipeline>();
  private readonly layouts = new Map<string, Layout>();
  private readonly pending = new Set<Promise<void>>();

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
    const layout = this.layoutOf(shader);
    const code = shader.source();
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: shader.key, code });
    const pipeline = device.createComputePipeline({
      label: shader.key,
      layout: layout.pipeline,
      compute: { module, entryPoint: 'main' },
    });
    const check = device
      .popErrorScope()
      .then((error) => {
        if (error !== null) this.report(refused(shader, code, error));
      })
      // A device that is lost says so elsewhere.
      .catch(() => {})
      .finally(() => this.pending.delete(check));
    this.pending.add(check);
    const uniformBytes = Math.ceil((shader.words * 4) / UNIFORM_STEP) * UNIFORM_STEP;
    return { pipeline, layout: layout.bindGroup, layoutId: layout.id, uniformBytes };
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

  /** Resolves when it is known of every shader whether it compiled. */
  async checked(): Promise<void> {
    await Promise.all(this.pending);
  }
}

function refused(shader: Shader, source: string, error: GPUError): BackendError {
  const [first] = error.message.split('\n');
  return new BackendError(
    `webgpu: the shader ${shader.key} did not compile: ${first}; error.data.source holds its text, please report it`,
    { data: { key: shader.key, source, message: error.message } },
  );
}
