/** The main thread's side of bundle-thread.ts: hands archives over one at a time and watches the clock. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, MayflyError } from "../../contract/index.ts";

export interface PackRequest {
  archive: ArrayBuffer;
  /** Whose file must be in it; a layer has none. */
  handler?: string;
  /** The new file for the packed bundle. */
  path: string;
}

export type PackReply =
  | { ok: true; digest: string; bytes: number }
  | { ok: false; code: ErrorCode; message: string; details?: Record<string, unknown> };

/** The largest honest bundle takes about two seconds; this leaves room for slow disks. */
const PACK_TIMEOUT_MS = 60_000;

export class BundlePacker {
  readonly #timeoutMs: number;
  #thread: Worker;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(thread: Worker, timeoutMs: number) {
    this.#thread = thread;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Resolves when the thread has loaded its modules. To be called before the gateway drops its rights: the user
   * that it becomes may not be able to read them.
   */
  static async start(timeoutMs = PACK_TIMEOUT_MS): Promise<BundlePacker> {
    return new BundlePacker(await startThread(), timeoutMs);
  }

  /**
   * Writes the packed form of `archive` to `path`. Takes the archive's memory away from the caller.
   * Errors: all BUNDLE_… codes, HANDLER_FILE_MISSING, INTERNAL.
   */
  pack(request: PackRequest): Promise<{ digest: string; bytes: number }> {
    // One at a time bounds memory: a bundle is held unpacked, up to LIMITS.unpackedBytes, while it is packed.
    const turn = this.#last.then(() => this.#packNow(request));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #packNow(request: PackRequest): Promise<{ digest: string; bytes: number }> {
    const reply = await this.#ask(request);
    if (reply.ok) return { digest: reply.digest, bytes: reply.bytes };
    if (reply.code === "INTERNAL") throw new MayflyError("INTERNAL", { cause: new Error(reply.message) });
    throw new MayflyError(reply.code, { message: reply.message, details: reply.details ?? {} });
  }

  async #ask(request: PackRequest): Promise<PackReply> {
    const clock = AbortSignal.timeout(this.#timeoutMs);
    try {
      const replied = once(this.#thread, "message", { signal: clock });
      this.#thread.postMessage(request, [request.archive]);
      const [reply] = await replied;
      return reply as PackReply;
    } catch (cause) {
      // Out of time, out of memory, or a fault of ours: the thread's state is unknown, so it is replaced. Where
      // that fails, the old one stays: every deployment then fails here, with the reason as its cause.
      await this.#thread.terminate();
      this.#thread = await startThread();
      if (!clock.aborted) throw new MayflyError("INTERNAL", { cause });
      throw new MayflyError("BUNDLE_TOO_LARGE", {
        message: `Cannot accept the bundle: unpacking it takes longer than ${this.#timeoutMs} ms`,
        cause,
      });
    }
  }

  /** Ends the thread, whatever it does. */
  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

async function startThread(): Promise<Worker> {
  const thread = new Worker(new URL("./bundle-thread.ts", import.meta.url));
  // The thread's first message says that it has started.
  await once(thread, "message");
  // An error while nobody asks has no listener of #ask; it must not end the process.
  thread.on("error", () => {});
  // An idle thread must not keep the process alive; one that packs is awaited by its request.
  thread.unref();
  return thread;
}
