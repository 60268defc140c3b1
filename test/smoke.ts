/**
 * `npm run smoke`: the whole of Mayfly on real input, as a newcomer meets it. Starts everything on a free port with
 * a temporary data folder, deploys and invokes the examples and three functions that misbehave, stops, and looks
 * for anything left behind. Prints a table; exits 0 when every line of it is ok.
 */
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type LaunchedService, launchService } from "./support/launched-service.ts";
import { Leftovers } from "./support/leftovers.ts";

const PROJECT = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** The totals of examples/csv-report/orders.csv, added up once by another program. */
const ORDERS = { orders: 5000, cancelled: 815, totalCents: 96_142_329 };

const rows: { step: string; ms: number; fault?: string }[] = [];

/** One line of the table. After a fault the smoke test goes on: what is left behind matters all the more. */
async function step<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
  const startedAt = performance.now();
  try {
    const result = await work();
    rows.push({ step: name, ms: performance.now() - startedAt });
    return result;
  } catch (error) {
    rows.push({ step: name, ms: performance.now() - startedAt, fault: (error as Error).message });
    return undefined;
  }
}

const readText = (path: string) => readFile(join(PROJECT, path), "utf8");
const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

async function useService(service: LaunchedService): Promise<void> {
  const mayfly = async (...words: string[]) =>
    (await run(process.execPath, ["cli/main.ts", ...words], { cwd: PROJECT, env: service.clientEnv })).stdout;
  const deploy = (folder: string) => step(`deploy ${folder}`, () => mayfly("deploy", folder));

  for (const name of ["hello", "markdown", "csv-report"]) await deploy(`examples/${name}`);
  for (const name of ["echo", "spin", "allocate", "forkbomb"]) await deploy(`test/functions/${name}`);
  await step("list", async () => assert.match(await mayfly("list"), /^csv-report .*\n(.*\n)*spin /m));

  await step("hello, by the command line", async () => {
    const { greeting } = JSON.parse(await mayfly("invoke", "hello", "--data", '{"name":"smoke"}'));
    assert.equal(greeting, "Hello, smoke!");
  });
  await step("markdown, of README.md", async () => {
    const markdown = await readText("README.md");
    const { status, body } = await service.invoke("markdown", { markdown });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.headings[0], /^# (.+)$/m.exec(markdown)?.[1]);
    assert.match(body.html, /<h1>/);
  });
  await step("csv-report, of 5,000 orders", async () => {
    const csv = await readText("examples/csv-report/orders.csv");
    const { status, body } = await service.invoke("csv-report", { csv });
    assert.equal(status, 200, JSON.stringify(body));
    const { byCategory, byMonth, ...totals } = body;
    assert.deepEqual(totals, ORDERS);
    assert.deepEqual([Object.keys(byCategory).length, Object.keys(byMonth).length], [6, 12]);
    assert.equal(sum(Object.values(byCategory)), ORDERS.totalCents);
    assert.equal(sum(Object.values(byMonth)), ORDERS.totalCents);
  });
  await step("echo, of text in many scripts", async () => {
    const event = { text: 'naïve 日本語 🦋 "\\ \u0000', list: [1, null, 2.5] };
    assert.deepEqual((await service.invoke("echo", event)).body, event);
  });

  const misbehave = (name: string, status: number, verdict: string) =>
    step(`${name}: ${verdict}`, async () => {
      const answer = await service.invoke(name, {});
      assert.deepEqual([answer.status, answer.body.verdict], [status, verdict], JSON.stringify(answer.body));
    });
  await misbehave("spin", 504, "timeout");
  await misbehave("allocate", 502, "out_of_memory");
  await misbehave("forkbomb", 502, "process_limit");
  await step("hello, after all these", async () =>
    assert.equal((await service.invoke("hello", {})).body.greeting, "Hello, world!"),
  );
}

function printTable(): void {
  for (const { step: name, ms, fault } of rows) {
    console.log(
      `${name.padEnd(36)} ${ms.toFixed(1).padStart(9)} ms   ${fault === undefined ? "ok" : `FAILED: ${fault}`}`,
    );
  }
}

const instance = `smoke-${process.pid}`;
const leftovers = await Leftovers.before(instance);
const service = await step("start", () => launchService(instance));
if (service) {
  leftovers.expectGone(basename(service.dataDir), service.port);
  await useService(service);
  await step("note what runs", () => leftovers.noteRunning(service.pid));
  await step("stop", () => service.stop());
  await step("nothing left", async () => assert.deepEqual(await leftovers.find(), []));
  await step("data folder removed", () => service.removeData());
}
printTable();
process.exitCode = rows.some(({ fault }) => fault !== undefined) ? 1 : 0;
