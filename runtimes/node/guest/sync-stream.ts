/**
 * stdout and stderr of a sandbox: every write has reached the log pipe when it returns, so nothing is lost when
 * the process is killed after its answer. (Node.js's own pipe streams queue what does not fit the pipe.)
 */
import { writeSync } from "node:fs";
import { Writable } from "node:stream";

export class SyncStream extends Writable {
  readonly fd: number;
  readonly _type = "pipe";

  constructor(fd: number) {
    super({ decodeStrings: true });
    this.fd = fd;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(this.fd, chunk, at);
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}

/** Replaces process.stdout and process.stderr. Node.js makes its own only when they are first touched. */
export function installSyncStreams(): void {
  for (const [name, fd] of [
    ["stdout", 1],
    ["stderr", 2],
  ] as const) {
    const stream = new SyncStream(fd);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
}
