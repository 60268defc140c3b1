import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { encodeReply, INVOCATION_QUEUE, invocationJob, LIMITS, replyList } from "../contract/index.ts";
import { zipOf } from "./bundles/archives.fixture.ts";
import { API_KEY, deployment } from "./gateway.fixture.ts";
import { RedisFixture } from "./redis.fixture.ts";

const CHUNK = Buffer.alloc(256 * 1024);
const MAIN = new URL("./main.ts", import.meta.url).pathname;

let redis: RedisFixture;
const children: ChildProcess[] = [];
beforeAll(async () => {
  redis = await RedisFixture.start();
  await writeFile(join(redis.folder, "key"), API_KEY);
});
afterAll(() => redis.end());
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

interface LogLine {
  msg: string;
  url?: string;
  metricsUrl?: string;
  pid: number;
  code?: string;
}

/** Starts the process and resolves at the first log line that `isLast` accepts, or at the process's end. */
async function run(variables: Record<string, string>, isLast: (line: LogLine) => boolean) {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      MAYFLY_PORT: "0",
      MAYFLY_GATEWAY_METRICS_PORT: "off",
      MAYFLY_REDIS: redis.socket,
      MAYFLY_DATA_DIR: join(redis.folder, "data"),
      MAYFLY_API_KEY_FILE: join(redis.folder, "key"),
      ...variables,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  const lines: LogLine[] = [];
  await new Promise<void>((resolve) => {
    createInterface(child.stdout)
      .on("line", (text) => {
        lines.push(JSON.parse(text));
        const line = lines.at(-1);
        if (line && isLast(line)) resolve();
      })
      .on("close", resolve);
  });
  return { child, lines, exited };
}

async function start(variables: Record<string, string> = {}) {
  const started = await run(variables, (line) => line.url !== undefined);
  const line = started.lines.find(({ url }) => url !== undefined);
  if (!line?.url) throw new Error(`did not start: ${JSON.stringify(started.lines)}`);
  return { ...started, url: line.url, pid: line.pid };
}

const headers = { "X-Api-Key": API_KEY };

describe("gateway/main.ts", () => {
  it("says in one sentence that its port is taken, and exits with 1", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const port = String((other.address() as AddressInfo).port);
    const { lines, exited } = await run({ MAYFLY_PORT: port }, () => false);
    expect((await exited)[0]).toBe(1);
    expect(lines.at(-1)).toMatchObject({
      code: "SETTINGS_INVALID",
      msg: `Cannot listen: 127.0.0.1 port ${port} is taken by another process: stop that one, or choose another by MAYFLY_PORT`,
    });
    other.close();
  });

  it("names all wrong settings at once, and exits with 1", async () => {
    const { lines, exited } = await run({ MAYFLY_PORT: "x", MAYFLY_REDIS: "y" }, () => false);
    expect((await exited)[0]).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.msg).toMatch(/MAYFLY_PORT .*MAYFLY_REDIS /);
  });

  it("lets an invocation in flight finish on SIGTERM, refuses new ones, and exits with 0", async () => {
    const { child, url, exited } = await start();
    const form = deployment(zipOf([{ name: "index.js" }]));
    await fetch(`${url}/v1/functions/hello`, { method: "PUT", headers, body: form });

    const taken = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const [blocking, replies] = [
      new Redis(redis.socket, { maxRetriesPerRequest: null }),
      new Redis(redis.socket),
    ];
    const worker = new Worker(
      INVOCATION_QUEUE,
      async ({ data }) => {
        const { invocationId, gatewayId } = invocationJob.parse(data);
        taken.resolve();
        await finish.promise;
        const body = Buffer.from('"late"');
        await replies.rpush(
          replyList(gatewayId),
          encodeReply({ invocationId, verdict: "ok", body, timings: {} }),
        );
      },
      { connection: blocking },
    );
    try {
      const answer = fetch(`${url}/v1/functions/hello/invocations`, { method: "POST", headers });
      await taken.promise;
      child.kill("SIGTERM");
      await expect
        .poll(() =>
          fetch(`${url}/healthz`).then(
            () => "answers",
            () => "refused",
          ),
        )
        .toBe("refused");
      finish.resolve();
      expect(await (await answer).text()).toBe('"late"');
      expect((await exited)[0]).toBe(0);
    } finally {
      await worker.close();
      blocking.disconnect();
      replies.disconnect();
    }
  });

  it("refuses a body without a length as soon as it is too large", async () => {
    const { url } = await start();
    const upload = httpRequest(`${url}/v1/functions/x/invocations`, { method: "POST", headers });
    // The gateway closes the connection on those who go on sending.
    upload.on("error", () => {});
    let sent = 0;
    let isAnswered = false;
    const answer = once(upload, "response").then(([response]: IncomingMessage[]) => {
      isAnswered = true;
      return response?.statusCode;
    });
    function* endless() {
      for (; !isAnswered && sent < 4 * LIMITS.eventBytes; sent += CHUNK.length) yield CHUNK;
    }
    Readable.from(endless()).pipe(upload);
    expect(await answer).toBe(413);
    expect(sent).toBeLessThan(4 * LIMITS.eventBytes);
    upload.destroy();
  });

  it.runIf(process.getuid?.() === 0)("becomes the user of its settings, in every thread", async () => {
    await chmod(redis.folder, 0o755);
    await chmod(redis.socket, 0o777);
    await chmod(join(redis.folder, "key"), 0o600);
    const dataDir = join(redis.folder, "own-data");
    const owner = { MAYFLY_UID: "65534", MAYFLY_GID: "65534", MAYFLY_DATA_DIR: dataDir };
    const { url, pid, lines } = await start({ ...owner, MAYFLY_GATEWAY_METRICS_PORT: "0" });
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    expect(status).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m);
    expect(status).toMatch(/^Groups:\t *$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);

    // The thread, which had started before, writes as that user too.
    const form = deployment(zipOf([{ name: "index.js" }]));
    const response = await fetch(`${url}/v1/functions/hello`, { method: "PUT", headers, body: form });
    const { bundleDigest } = (await response.json()) as { bundleDigest: string };
    const stored = await stat(join(dataDir, "bundles", bundleDigest));
    expect(stored.uid).toBe(65534);

    const { metricsUrl = "" } = lines.find((line) => line.metricsUrl !== undefined) ?? {};
    const metrics = await (await fetch(metricsUrl)).text();
    expect(metrics).toMatch(/^mayfly_queue_capacity \d+$/m);
    expect(metrics).toMatch(
      /^http_server_request_duration_seconds_count\{http_request_method="PUT",http_route="\/v1\/functions\/\{name\}",http_response_status_code="20[01]"\} 1$/m,
    );
  });

  it.runIf(process.getuid?.() === 0)("says so when its user cannot reach the data folder", async () => {
    const dataDir = join(redis.folder, "closed-data");
    await mkdir(dataDir, { mode: 0o700 });
    const owner = { MAYFLY_UID: "65534", MAYFLY_GID: "65534", MAYFLY_DATA_DIR: dataDir };
    const { lines, exited } = await run(owner, () => false);
    expect((await exited)[0]).toBe(1);
    expect(lines.at(-1)?.msg).toContain(`Cannot write to ${dataDir}/bundles as user 65534`);
  });
});
