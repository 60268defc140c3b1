/** A pool whose one sandbox does what a test says; for tests in which the kernel is not the subject. */
import type { InvocationJob } from "../contract/index.ts";
import type { Outcome, Sandbox, SandboxPool, Usage } from "../pool/sandbox.ts";

export const USED_NOTHING_SPECIAL: Usage = {
  cpuUs: 1000,
  throttledUs: 0,
  memoryPeakBytes: 1 << 20,
  oomKills: 0,
  pidsLimitHits: 0,
  ioReadBytes: 0,
  ioWrittenBytes: 0,
  ioReads: 0,
  ioWrites: 0,
};

export function answer(body: string, header: object = {}): Outcome {
  return { kind: "answer", header: { type: "answer", status: "ok", ...header }, body: Buffer.from(body) };
}

export interface ScriptedSandbox extends Sandbox {
  /** The calls that it got, in their order. */
  readonly calls: string[];
}

export function scriptedSandbox(
  outcome: Outcome | Error,
  usage = USED_NOTHING_SPECIAL,
  logText = "",
): ScriptedSandbox {
  const calls: string[] = [];
  return {
    id: "scripted",
    runtime: "nodejs24",
    network: "none",
    state: "parked",
    calls,
    died: new Promise(() => {}),
    destroyed: new Promise(() => {}),
    async prepare(lease) {
      calls.push(["prepare", lease.handler, lease.bundleFolder, ...(lease.layerFolders ?? [])].join(" "));
    },
    async initialize() {
      throw new Error("unexpected");
    },
    async compile() {
      throw new Error("unexpected");
    },
    async run(_event, body, timeoutMs) {
      calls.push(`run ${body} ${timeoutMs}`);
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    inspect: () => ({
      ...{ id: "scripted", runtime: "nodejs24", network: "none", state: "parked" },
      ...{ sinceMs: 0, pids: [], cpuUs: 0, memoryPeakBytes: 0 },
    }),
    usage: () => usage,
    log: () => ({ text: logText, totalBytes: Buffer.byteLength(logText), droppedBytes: 0 }),
    async destroy() {
      calls.push("destroy");
      return { killedUs: 10, emptiedUs: 15, removedUs: 20, leaked: false };
    },
  };
}

export function poolOf(sandbox: Sandbox | Error): SandboxPool {
  return {
    usage: () => ({ cpuUs: 0, memoryBytes: 0 }),
    inspect: () => [],
    async acquire() {
      if (sandbox instanceof Error) throw sandbox;
      return sandbox;
    },
    prewarm() {
      throw new Error("unexpected");
    },
    stats: () => [],
    sizing: { poolBudgetBytes: 0, pressure: { memory: 0, cpu: 0 } },
    close: async () => {},
  };
}

export function jobOf(changes: Partial<InvocationJob> = {}): InvocationJob {
  return {
    invocationId: "0196f1e0-7d2c-7000-8000-000000000001",
    gatewayId: "gateway-1",
    functionName: "hello",
    runtime: "nodejs24",
    handler: "index.handler",
    limits: { cpu: 1, memoryMb: 256, pids: 64, timeoutMs: 1000, tmpMb: 64 },
    environment: {},
    network: "none",
    bundleDigest: "0".repeat(64),
    layerDigests: [],
    volumes: [],
    writableRoot: false,
    event: '{"name":"you"}',
    enqueuedAtMs: Date.now(),
    sentAtMs: Date.now(),
    startBeforeMs: Date.now() + 30_000,
    ...changes,
  };
}
