/**
 * The life of a sandbox's process: parked in a blocking read, then one function, one event, one answer, and nothing
 * more. Called by zygote.ts in each forked process, and by exec.ts where forking does not work.
 */
import { closeSync, readSync } from "node:fs";
import Module from "node:module";
import type { EventHeader, InitHeader } from "../../../contract/guest-frames.ts";
import {
  CONTROL_FD,
  exitNow,
  GATE_FD,
  limitHeap,
  onStackRequest,
} from "../../../native/ts/zygote-library.ts";
import { prepareCompiledCode, takeCompiledCode } from "./compiled-code.ts";
import { describeError } from "./describe-error.ts";
import { FrameReader, writeFrame } from "./frames.ts";
import { type Handler, loadHandler } from "./load-handler.ts";

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

/** Where an invocation comes from and where its function is; the rehearsal (warm-up.ts) has others. */
export interface Stage {
  control: number;
  gate: number;
  root: string;
}

/** What a handler gets as its second argument: Lambda's names. */
function makeContext(init: InitHeader, event: EventHeader): Record<string, unknown> {
  return {
    functionName: init.functionName,
    functionVersion: "$LATEST",
    memoryLimitInMB: String(init.memoryMb),
    awsRequestId: event.invocationId,
    ...event.trace,
    getRemainingTimeInMillis: () => Math.max(0, event.deadlineMs - Date.now()),
  };
}

/** The one process.env stays: replacing it would leave the C library's environment, and with it TZ, behind. */
function setEnvironment(init: InitHeader): void {
  const environment: Record<string, string> = {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: "/tmp",
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    TZ: "UTC",
    MAYFLY_FUNCTION_NAME: init.functionName,
    ...(init.hasLayers && LAYER_PATHS),
    ...init.environment,
  };
  /* Only what differs from the rehearsal's: to set TZ costs V8 and ICU half a millisecond, even to what it was. */
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  for (const [name, value] of Object.entries(environment))
    if (process.env[name] !== value) process.env[name] = value;
  // CommonJS reads NODE_PATH once, at the process's start; ES modules never do.
  if (process.env.NODE_PATH !== undefined) modulePaths._initPaths();
}

/** As OpenTelemetry's SDKs look for it: "Environment Variables as Context Propagation Carriers". */
function setTrace({ traceparent, tracestate }: NonNullable<EventHeader["trace"]>): void {
  process.env.TRACEPARENT = traceparent;
  if (tracestate !== undefined) process.env.TRACESTATE = tracestate;
}

/** Returns when the function's files are there. */
function passGate(gate: number): void {
  readSync(gate, Buffer.allocUnsafeSlow(8));
  closeSync(gate);
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

async function call(handler: Handler, init: InitHeader, event: EventHeader, body: Buffer): Promise<Answer> {
  const start = performance.now();
  try {
    const result = await handler(JSON.parse(body.toString()), makeContext(init, event));
    const text = marshal(result);
    const runMs = performance.now() - start;
    if (Buffer.byteLength(text) > RESPONSE_MAX_BYTES)
      return { header: { type: "answer", status: "response_too_large", runMs } };
    return { header: { type: "answer", status: "ok", runMs }, body: text };
  } catch (error) {
    const runMs = performance.now() - start;
    return { header: { type: "answer", status: "function_error", runMs, error: describeError(error) } };
  }
}

/** From the first frame to the answer. Also run by the rehearsal. */
export async function answerEvent({ control, gate, root }: Stage): Promise<Answer> {
  const frames = new FrameReader(control);
  const init = frames.read().header as unknown as InitHeader;
  limitHeap(init.memoryMb * HEAP_BYTES_PER_MB);
  setEnvironment(init);
  passGate(gate);
  process.chdir(root);
  if (init.code !== undefined) prepareCompiledCode(init.code);

  const start = performance.now();
  let loaded: Awaited<ReturnType<typeof loadHandler>>;
  try {
    loaded = await loadHandler(root, init.handler);
  } catch (error) {
    const initMs = performance.now() - start;
    return { header: { type: "answer", status: "init_error", initMs, error: describeError(error) } };
  }
  process.argv = [process.execPath, loaded.file];
  const initMs = performance.now() - start;
  if (init.report) {
    const code = init.code === "make" ? takeCompiledCode() : undefined;
    writeFrame(control, { type: "initialized", initMs }, code);
  }

  const { header, body } = frames.read();
  const event = header as unknown as EventHeader;
  process.env.MAYFLY_INVOCATION_ID = event.invocationId;
  if (event.trace !== undefined) setTrace(event.trace);
  const answer = await call(loaded.call, init, event, body);
  /* It was reported before, and no invocation waited for it. */
  if (!init.report) answer.header.initMs = initMs;
  return answer;
}

/** Sends the answer and then stands still until the worker ends the sandbox: nothing runs on after an answer. */
function finish(answer: Answer): never {
  writeFrame(CONTROL_FD, answer.header, answer.body);
  readSync(CONTROL_FD, Buffer.alloc(1));
  exitNow(0);
  throw new Error("unreachable");
}

/** There is nobody to tell before: in the zygote. */
let isInSandbox = false;

/** In the zygote, once. A tenant who listens for them has taken them over; in the zygote they end it. */
export function prepareUncaught(): void {
  process.on("uncaughtException", (error) => {
    if (process.listenerCount("uncaughtException") > 1) return;
    if (!isInSandbox) {
      console.error(error);
      exitNow(1);
    }
    finish({ header: { type: "answer", status: "function_error", error: describeError(error) } });
  });
}

/** Frames of the tenant's code; ours are the last and the first. */
const STACK_DEPTH = 32;

/**
 * In the zygote, once: when the worker asks (pool/autopsy.ts), the stack goes out instead of an answer. It runs
 * between any two operations of the tenant's code.
 */
export function prepareStackReport(): void {
  onStackRequest(() => {
    if (!isInSandbox) return;
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = STACK_DEPTH;
    const { stack } = describeError(new Error("interrupted"));
    Error.stackTraceLimit = limit;
    writeFrame(CONTROL_FD, { type: "stack", stack: stack ?? [] });
  });
}

export async function serveInvocation(): Promise<void> {
  isInSandbox = true;
  writeFrame(CONTROL_FD, { type: "ready" });
  finish(await answerEvent({ control: CONTROL_FD, gate: GATE_FD, root: "/var/task" }));
}
