/** What an operator sees of a running sandbox: by the commands ps and top, and by its pid on the machine. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { STATUS_SOCKET, type WorkerStatus } from "../contract/index.ts";
import { runnerFolder } from "../pool/code-runner.fixture.ts";
import { openPool, removeFolder } from "../pool/linux-pool.fixture.ts";
import type { Sandbox, SandboxPool } from "../pool/sandbox.ts";
import { eventHeader, leaseOf, limits } from "../pool/sandbox-contract.ts";
import { serveStatus } from "../worker/status-server.ts";

const run = promisify(execFile);
const label = { functionName: "spinner", invocationId: eventHeader().invocationId };

let data: string;
let folder: string;
let pool: SandboxPool;
let sandbox: Sandbox;
let server: Server;

const mayfly = (...words: string[]) =>
  run(process.execPath, ["cli/main.ts", ...words], { env: { ...process.env, MAYFLY_DATA_DIR: data } });

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "mayfly-data-"));
  mkdirSync(join(data, "run"));
  folder = runnerFolder();
  pool = await openPool("test-view");
  sandbox = await pool.acquire("nodejs24", 10_000);
  await sandbox.prepare(
    leaseOf(folder, { functionName: label.functionName, limits: { ...limits, timeoutMs: 60_000 } }),
  );
  const code = "for (;;) await new Promise((done) => setImmediate(done));";
  void sandbox.run(eventHeader(), Buffer.from(JSON.stringify({ code, secret: "s3cret" })), 60_000);
  await vi.waitFor(() => expect(pool.stats()[0]?.parked).toBe(2), { timeout: 10_000 });
}, 30_000);

afterAll(async () => {
  server?.close();
  await pool.close();
  for (const one of [data, folder]) removeFolder(one);
});

test("without a worker ps says where it looked and what to do", async () => {
  await expect(mayfly("ps")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^mayfly: No worker answers at .*worker\.sock: start one \(npm start\)/),
  });
});

test("a worker's socket is root's alone, and replaces that of one that was killed", async () => {
  const path = join(data, STATUS_SOCKET);
  writeFileSync(path, "");
  const look = () => ({
    instance: "test-view",
    pid: process.pid,
    atMs: Date.now(),
    sandboxes: pool.inspect(),
    pools: pool.stats(),
    ...pool.sizing,
  });
  server = await serveStatus(path, look);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("ps maps processes of the machine to function, invocation and limits", async () => {
  const { stdout } = await mayfly("ps", "--json");
  const status: WorkerStatus = JSON.parse(stdout);
  expect(status).toMatchObject({ instance: "test-view", pid: process.pid });
  const running = status.sandboxes.find(({ state }) => state === "running");
  expect(running).toMatchObject({ id: sandbox.id, lease: { ...label, memoryMb: 128, pids: limits.pids } });
  expect(running?.cpuUs).toBeGreaterThan(0);
  expect(running?.pids).toHaveLength(2);
  for (const [index, pid] of (running?.pids ?? []).entries())
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(
      new RegExp(`^NSpid:.*\\s${[1, 3][index]}$`, "m"),
    );
  expect(stdout).not.toContain("s3cret");

  const pools = (await mayfly("pool")).stdout;
  expect(pools).toMatch(/^nodejs24 +2 +2 +2-2 +0 +1 +0 +0 +0 +floor$/m);
  expect(JSON.parse((await mayfly("pool", "--json")).stdout).pools).toMatchObject([{ parked: 2, leased: 1 }]);

  const table = (await mayfly("ps")).stdout;
  expect(table).toMatch(/^nodejs24-\d+\s+running\s+spinner\s+0198c0de/m);
  expect(table).toContain("(2 parked of nodejs24)");
  expect((await mayfly("ps", "--all")).stdout.match(/^nodejs24-\d+ +parked/gm)).toHaveLength(2);
});

test("top shows the share of a core that each took since the frame before", async () => {
  const { stdout } = await mayfly("top", "--once", "--interval", "0.5");
  expect(stdout).toMatch(/^mayfly test-view, worker \d+: 1 in use; 2 parked of nodejs24$/m);
  const percent = Number(/running\s+spinner.*\s(\d+)%/.exec(stdout)?.[1]);
  expect(percent).toBeGreaterThan(10);
  await expect(mayfly("top", "--interval", "0")).rejects.toMatchObject({
    stderr: "mayfly: --interval takes seconds, 0.1 to 3600\n",
  });
});
