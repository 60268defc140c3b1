/** Pairs of descriptors, as numbers that the caller owns and closes. Errors: SANDBOX_SPAWN_FAILED. */
import { closeSync } from "node:fs";
import { native } from "./library.ts";
import { check } from "./native-error.ts";

function pair(action: string, make: (ret: Int32Array) => number): [number, number] {
  const fds = new Int32Array(2);
  check("SANDBOX_SPAWN_FAILED", action, make(fds));
  return [fds[0] as number, fds[1] as number];
}

/** Two connected UNIX stream sockets. */
export const socketpair = (): [ours: number, theirs: number] =>
  pair("Cannot make a socket pair", native.socketpair);

/** A pipe: the end to read is non-blocking. */
export const logPipe = (): [read: number, write: number] => pair("Cannot make a pipe", native.logPipe);

/** Closes what is open; -1 stands for nothing. */
export function closeFds(...fds: number[]): void {
  for (const fd of fds) if (fd >= 0) closeSync(fd);
}

/** What a pipe holds at this moment, at most `limit` bytes. */
export function readAvailable(fd: number, limit: number): Buffer {
  const chunks: Buffer[] = [];
  let left = limit;
  while (left > 0) {
    const buffer = Buffer.allocUnsafe(Math.min(left, 65_536));
    const length = native.readAvailable(fd, buffer, buffer.length);
    if (length <= 0) break;
    chunks.push(buffer.subarray(0, length));
    left -= length;
  }
  return Buffer.concat(chunks);
}
