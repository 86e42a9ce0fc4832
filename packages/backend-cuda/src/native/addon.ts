/** The native module as it is; `native/src/addon.cc` makes it. Addresses are whole numbers below 2^53. */
export interface NativeAddon {
  openDriver(candidates: readonly string[]): {
    readonly path: string;
    /** 1000 times the major version of CUDA and 10 times the minor one. */
    readonly version: number;
    readonly deviceCount: number;
  };
  openNvrtc(
    candidates: readonly string[],
    newestMajor: number,
  ): {
    readonly path: string;
    readonly version: string;
    /** The architectures that it compiles for, such as 80. */
    readonly archs: readonly number[];
  };
  openBlas(candidates: readonly string[]): string;
  deviceInfo(ordinal: number): NativeDeviceInfo;
  /** The driver's own words for a result. */
  describe(result: number): string;
  /** No image where the source does not compile. `cubin` asks for machine code, else PTX. */
  compile(
    source: string,
    name: string,
    options: readonly string[],
    cubin: boolean,
  ): { readonly image?: Uint8Array; readonly log: string };
  /** `commands` is the buffer that launches are written to; the session keeps it. */
  openSession(ordinal: number, commands: ArrayBuffer): NativeSession;
}

export interface NativeDeviceInfo {
  readonly name: string;
  readonly sm: number;
  readonly multiprocessors: number;
  readonly maxSharedBytes: number;
  readonly totalBytes: number;
}

/** What a quick call gives: nothing where it went well, else the driver's result, or cuBLAS's status negated. */
export type Outcome = number | undefined;

export interface NativeSession {
  /** Where the words of a fault lie on the device. */
  readonly fault: number;
  launch(): Outcome;
  gemm(): Outcome;
  copy(source: number, target: number, byteLength: number): Outcome;
  write(target: number, bytes: Uint8Array): Outcome;
  /** Waits, and fills both arrays. */
  readNow(source: number, bytes: Uint8Array, fault: Int32Array): Outcome;
  /** Nothing where there is no page-locked memory for so much. */
  read(
    source: number,
    byteLength: number,
  ): Promise<{ readonly bytes: ArrayBuffer; readonly fault: ArrayBuffer }> | undefined;
  /** The address, or 0 where there is no room. */
  allocate(byteLength: number): number;
  release(address: number): void;
  memoryInfo(): { readonly free: number; readonly total: number };
  clear(address: number, byteLength: number): void;
  loadFunction(image: Uint8Array, entry: string): number;
  functionAttributes(id: number): {
    readonly registers: number;
    readonly localBytes: number;
    readonly sharedBytes: number;
  };
  openBlas(): boolean;
  recordEvent(): number;
  elapsedMs(from: number, to: number): number;
  dropEvents(): void;
  close(): void;
}

/** Words of 32 bits in which a session keeps a fault. */
export const SESSION_FAULT_WORDS = 8;
