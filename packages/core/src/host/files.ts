/** A file that is read from its start to its end. */
export interface HostFile {
  readonly byteLength: number;
  /** The next `length` bytes; fewer at the end of the file. */
  read(length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What core needs of a file system. `op` is who asks, for error texts. */
export interface HostFiles {
  /** @throws {CheckpointError} the file cannot be opened, or is no regular file. */
  open(op: string, path: string | URL): Promise<HostFile>;

  /**
   * Writes a file so that under its name there is at every moment the old content or all of the new: into a
   * temporary file beside it, which takes the name once it is safely on the disk.
   *
   * @throws {CheckpointError} it cannot be written. What `chunks` throws comes through as it is.
   */
  writeAtomically(op: string, path: string | URL, chunks: AsyncIterable<Uint8Array>): Promise<void>;

  /** The same at once. */
  writeAtomicallySync(op: string, path: string | URL, chunks: Iterable<Uint8Array>): void;
}
