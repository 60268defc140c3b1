/**
 * `npm run check:collector`: lets the real collector judge otelcol.yaml, then starts it and sends spans through it: errors
 * and slow traces must arrive always, the others by the percentage. Not part of `npm test`, as it needs Go and
 * the network the first time; otelcol.obstest.ts checks there what can be checked without.
 */
import { strict as assert } from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../free-ports.ts";
import { untilTrue } from "../support/until-true.ts";
import { buildCollector } from "./build-collector.ts";
import { startTraceBackend } from "./trace-backend.ts";

const CONFIG = fileURLToPath(new URL("otelcol.yaml", import.meta.url));
const SLOW_MS = 1000;
const ORDINARY = 20;
/** So that the check takes seconds, and that a backend of a few lines can read what comes. */
const FOR_THE_CHECK = [
  "yaml:processors::tail_sampling::decision_wait: 1s",
  "yaml:exporters::otlphttp::encoding: json",
  "yaml:exporters::otlphttp::compression: none",
];

/** OTLP's number for it. */
const STATUS_ERROR = 2;

interface Trace {
  id: string;
  ms: number;
  isError: boolean;
}

const trace = (ms: number, isError = false): Trace => ({ id: randomBytes(16).toString("hex"), ms, isError });

async function send(url: string, { id, ms, isError }: Trace): Promise<void> {
  const endMs = Date.now();
  const span = {
    traceId: id,
    spanId: randomBytes(8).toString("hex"),
    name: "POST /v1/functions/{name}/invocations",
    kind: 2,
    startTimeUnixNano: `${endMs - ms}000000`,
    endTimeUnixNano: `${endMs}000000`,
    ...(isError && { status: { code: STATUS_ERROR } }),
  };
  const response = await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
  assert.equal(response.status, 200, await response.text());
}

/** Starts it, sends traces, and says which of the ordinary ones came out. */
async function ordinaryThatArrive(binary: string, percent: number): Promise<number> {
  const backend = await startTraceBackend();
  const [http, grpc, health] = await freePorts(3);
  const collector = spawn(
    binary,
    ["--config", CONFIG, ...FOR_THE_CHECK.flatMap((text) => ["--config", text])],
    {
      env: {
        ...process.env,
        MAYFLY_OTLP_LISTEN: `127.0.0.1:${http}`,
        MAYFLY_OTLP_GRPC_LISTEN: `127.0.0.1:${grpc}`,
        MAYFLY_COLLECTOR_HEALTH: `127.0.0.1:${health}`,
        MAYFLY_OTLP_BACKEND: backend.url,
        MAYFLY_SAMPLING_PERCENT: `${percent}`,
        MAYFLY_SLOW_MS: `${SLOW_MS}`,
      },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const closed = once(collector, "close");
  let said = "";
  collector.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  try {
    await untilTrue("the collector is healthy", async () => (await fetch(`http://127.0.0.1:${health}`)).ok);
    const url = `http://127.0.0.1:${http}`;
    const ordinary = Array.from({ length: ORDINARY }, () => trace(SLOW_MS / 100));
    const remarkable = [trace(SLOW_MS / 100, true), trace(SLOW_MS * 2)];
    for (const one of [...ordinary, ...remarkable]) await send(url, one);
    for (const { id } of remarkable) await backend.untilCame(id);
    // Decided after all the others: when it has come, they have come, or never will.
    const last = trace(0, true);
    await send(url, last);
    await backend.untilCame(last.id);
    return ordinary.filter(({ id }) => backend.traceIds.has(id)).length;
  } catch (cause) {
    throw new Error(`The collector said: ${said}`, { cause });
  } finally {
    collector.kill("SIGTERM");
    await closed;
    backend.close();
  }
}

const binary = buildCollector();
execFileSync(binary, ["validate", "--config", CONFIG], { stdio: "inherit" });
console.log("otelcol.yaml is valid");
for (const [percent, arrive] of [
  [0, 0],
  [100, ORDINARY],
] as const) {
  assert.equal(await ordinaryThatArrive(binary, percent), arrive);
  console.log(`at ${percent} %: errors and slow traces came, and ${arrive} of ${ORDINARY} others`);
}
console.log("3 passed, 0 failed");
