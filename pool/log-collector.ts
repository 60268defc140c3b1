/**
 * stdout and stderr of one sandbox: kept up to LIMITS.logBytes, counted and dropped after that. It reads on, so
 * that a chatty function is not stopped by a full pipe.
 */
import { Socket } from "node:net";
import { LIMITS } from "../contract/index.ts";
import { readAvailable } from "../native/ts/descriptors.ts";
import type { SandboxLog } from "./sandbox.ts";

export class LogCollector {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #totalBytes = 0;

  /** Takes over the reading end of a non-blocking pipe. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on("data", (chunk) => this.#add(chunk));
    this.#socket.on("error", () => this.#socket.destroy());
  }

  /** Everything written until now, what the event loop has not delivered yet included. */
  take(): SandboxLog {
    /* One pipe's worth: whoever keeps writing would keep us reading. */
    if (!this.#socket.destroyed) this.#add(readAvailable(this.#fd, 65_536));
    const droppedBytes = this.#totalBytes - this.#keptBytes;
    const text = Buffer.concat(this.#kept).toString("utf8");
    return {
      text: droppedBytes > 0 ? text + mark(droppedBytes) : text,
      totalBytes: this.#totalBytes,
      droppedBytes,
    };
  }

  close(): void {
    this.#socket.destroy();
  }

  #add(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const room = LIMITS.logBytes - this.#keptBytes;
    if (room <= 0) return;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    this.#kept.push(kept);
    this.#keptBytes += kept.length;
  }
}

const mark = (droppedBytes: number) =>
  `\n[mayfly: log truncated: ${droppedBytes} bytes after the first ${LIMITS.logBytes} were dropped]\n`;
