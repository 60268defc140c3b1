/**
 * The life of a sandbox's process: parked in a blocking read, then one event, one answer, and nothing more.
 * Called by zygote.ts in each forked process, and by exec.ts where forking does not work.
 */
import { readSync } from "node:fs";
import Module from "node:module";
import type { EventHeader } from "../../../contract/guest-frames.ts";
import { exitNow, limitHeap, onStackRequest } from "../../../native/ts/zygote-library.ts";
import { describeError } from "./describe-error.ts";
import { readFrame, writeFrame } from "./frames.ts";
import { loadHandler } from "./load-handler.ts";

/** LIMITS.responseBytes: refused here already, so that an answer too large is not sent for nothing. */
const RESPONSE_MAX_BYTES = 6 * 1024 * 1024;

/** Half a sandbox's memory is for V8's old generation; the rest for its young one, buffers, /tmp and children. */
const HEAP_BYTES_PER_MB = 512 * 1024;

/** As in Lambda: what layers bring comes after what the root has. */
const LAYER_PATHS = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/opt/bin",
  NODE_PATH: "/opt/nodejs/node_modules:/opt/node_modules",
};
const modulePaths = Module as unknown as { _initPaths(): void };

export interface Answer {
  header: Record<string, unknown>;
  body?: string;
}

/** What a handler gets as its second argument: Lambda's names. */
function makeContext(header: EventHeader): Record<string, unknown> {
  return {
    functionName: header.functionName,
    functionVersion: "$LATEST",
    memoryLimitInMB: String(header.memoryMb),
    awsRequestId: header.invocationId,
    getRemainingTimeInMillis: () => Math.max(0, header.deadlineMs - Date.now()),
  };
}

/** The one process.env stays: replacing it would leave the C library's environment, and with it TZ, behind. */
function setUpProcess(header: EventHeader, root: string): void {
  const environment: Record<string, string> = {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: "/tmp",
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    TZ: "UTC",
    MAYFLY_FUNCTION_NAME: header.functionName,
    MAYFLY_INVOCATION_ID: header.invocationId,
    ...(header.hasLayers && LAYER_PATHS),
    ...header.environment,
  };
  /* Only what differs from the rehearsal's: to set TZ costs V8 and ICU half a millisecond, even to what it was. */
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  for (const [name, value] of Object.entries(environment))
    if (process.env[name] !== value) process.env[name] = value;
  // CommonJS reads NODE_PATH once, at the process's start; ES modules never do.
  if (process.env.NODE_PATH !== undefined) modulePaths._initPaths();
  process.chdir(root);
}

/** JSON text of what the handler returned; `undefined` becomes null as in Lambda. */
function marshal(result: unknown): string {
  try {
    return JSON.stringify(result) ?? "null";
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw Object.assign(new Error(`The handler's result cannot be written as JSON: ${reason}`), {
      name: "Runtime.MarshalError",
    });
  }
}

async function invoke(header: EventHeader, body: Buffer, root: string): Promise<Answer> {
  const initStart = performance.now();
  let loaded: Awaited<ReturnType<typeof loadHandler>>;
  try {
    loaded = await loadHandler(root, header.handler);
  } catch (error) {
    const initMs = performance.now() - initStart;
    return { header: { type: "answer", status: "init_error", initMs, error: describeError(error) } };
  }
  process.argv = [process.execPath, loaded.file];
  const runStart = performance.now();
  const initMs = runStart - initStart;
  try {
    const result = await loaded.call(JSON.parse(body.toString()), makeContext(header));
    const text = marshal(result);
    const runMs = performance.now() - runStart;
    if (Buffer.byteLength(text) > RESPONSE_MAX_BYTES) {
      return { header: { type: "answer", status: "response_too_large", initMs, runMs } };
    }
    return { header: { type: "answer", status: "ok", initMs, runMs }, body: text };
  } catch (error) {
    const runMs = performance.now() - runStart;
    return {
      header: { type: "answer", status: "function_error", initMs, runMs, error: describeError(error) },
    };
  }
}

/** Sends the answer and then stands still until the worker ends the sandbox: nothing runs on after an answer. */
function finish(control: number, answer: Answer): never {
  writeFrame(control, answer.header, answer.body);
  readSync(control, Buffer.alloc(1));
  exitNow(0);
  throw new Error("unreachable");
}

/** A tenant who listens for them has taken them over. */
function answerUncaught(control: number): void {
  process.on("uncaughtException", (error) => {
    if (process.listenerCount("uncaughtException") > 1) return;
    finish(control, { header: { type: "answer", status: "function_error", error: describeError(error) } });
  });
}

const NO_CONTROL = -1;
let controlWhenAsked = NO_CONTROL;

/** Frames of the tenant's code; ours are the last and the first. */
const STACK_DEPTH = 32;

/**
 * In the zygote, once: when the worker asks (pool/autopsy.ts), the stack goes out instead of an answer. It runs
 * between any two operations of the tenant's code.
 */
export function prepareStackReport(): void {
  onStackRequest(() => {
    if (controlWhenAsked === NO_CONTROL) return;
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = STACK_DEPTH;
    const { stack } = describeError(new Error("interrupted"));
    Error.stackTraceLimit = limit;
    writeFrame(controlWhenAsked, { type: "stack", stack: stack ?? [] });
  });
}

/** What an event leads to. `root`: where the bundle is mounted. Also run by the zygote's warm-up. */
export async function answerEvent(header: EventHeader, body: Buffer, root: string): Promise<Answer> {
  setUpProcess(header, root);
  return invoke(header, body, root);
}

/** `control`: the control socket. */
export async function serveInvocation(control: number): Promise<void> {
  writeFrame(control, { type: "ready" });
  const { header, body } = readFrame(control);
  const event = header as unknown as EventHeader;
  limitHeap(event.memoryMb * HEAP_BYTES_PER_MB);
  answerUncaught(control);
  controlWhenAsked = control;
  finish(control, await answerEvent(event, body, "/var/task"));
}
