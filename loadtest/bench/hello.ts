/**
 * One event to a function in Node.js, nothing reused: hello/index.mjs, until its answer is there. Mayfly leases a parked
 * sandbox that nobody used before; the others start the same Node.js, alone or in a sandbox of theirs. The floor is
 * Mayfly without its parking: the fork of a warm zygote into a set that stands already, until it says `ready`.
 */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { RUNTIME_COMMANDS } from "../../pool/runtime-commands.ts";
import type { SandboxPool } from "../../pool/sandbox.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { type Bench, sized } from "./context.ts";
import { type Contender, interleave, PAUSE_MS } from "./interleave.ts";
import { HELLO_FOLDER, leaseToAnswer } from "./lease-to-answer.ts";
import { OCI_TOOLS, openOci } from "./oci.ts";
import { openPool } from "./open-pool.ts";
import type { HalfLoad, HelloResult } from "./results.ts";
import { timedCommand } from "./timed-command.ts";
import { timingOf } from "./timing.ts";
import { openZygoteFork } from "./zygote-fork.ts";

const NODE = "/usr/bin/node";
const EVENT = '{"name":"you"}';
const ANSWER = '{"hello":"you"}';
const expected = { line: ANSWER };
/** Of Mayfly's pool: enough that a pause refills it. */
const PARKED = 8;
const IN_FLIGHT = 8;

export async function measureHello(bench: Bench): Promise<HelloResult> {
  const { rounds, ...within } = sized(bench, { rounds: 60 }, { rounds: 5, withinMs: 3500 });
  bench.say(`hello: ${rounds} rounds`);
  const { scope, programs } = bench;
  const root = await makeNodeRoot(bench.scratch);
  const inside = [NODE, "/var/task/print.mjs", EVENT];
  const task = HELLO_FOLDER;
  const pool = await openPool(scope, `${bench.instance}-hello`, PARKED, PARKED + IN_FLIGHT);
  const contenders: Contender[] = [
    { name: "mayfly", isOwn: true, open: async () => async () => leaseToAnswer(pool) },
    {
      name: "bubblewrap",
      open: async () => timedCommand(scope, programs, bubblewrap(root, inside, task), expected),
    },
    ...OCI_TOOLS.map(
      (tool): Contender => ({
        name: tool,
        open: () => openOci(bench, scope, "hello", tool, { root, args: inside, task, expected }),
      }),
    ),
    {
      name: "node",
      open: async () =>
        timedCommand(scope, programs, [`${root}${NODE}`, join(task, "print.mjs"), EVENT], expected),
    },
    { name: "floor", isOwn: true, open: () => openZygoteFork(scope, `${bench.instance}-fork`) },
  ];
  const compared = await interleave(contenders, { rounds, warmUps: 1, pauseMs: PAUSE_MS, ...within }, scope);
  const { mayfly } = compared;
  if (mayfly === undefined || "refused" in mayfly) return compared;
  return { ...compared, mayfly: { ...mayfly, halfLoad: await atHalfLoad(bench, pool) } };
}

/** The root of Mayfly's own sandboxes, copied: runc makes folders in the root that it is given. */
async function makeNodeRoot(scratch: string): Promise<string> {
  const root = join(scratch, "node-root");
  await promisify(execFile)("cp", ["-a", "--reflink=auto", RUNTIME_COMMANDS.nodejs24.rootfs, root]);
  await mkdir(join(root, "sys"), { recursive: true });
  return root;
}

/** First as many as go, to know what half of it is; then at an even half of that rate, whoever is still in flight. */
async function atHalfLoad(bench: Bench, pool: SandboxPool): Promise<HalfLoad> {
  const { seconds, pacedSeconds } = sized(
    bench,
    { seconds: 4, pacedSeconds: 15 },
    { seconds: 0.5, pacedSeconds: 1 },
  );
  let done = 0;
  const startedAt = performance.now();
  const caller = async () => {
    while (performance.now() - startedAt < seconds * 1000) {
      await leaseToAnswer(pool);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  const perSecond = Math.round((done * 500) / (performance.now() - startedAt));
  const count = Math.ceil(perSecond * pacedSeconds);
  bench.say(`hello: half load is ${perSecond} a second; ${count} of them`);

  await pause(PAUSE_MS);
  const running: Promise<number>[] = [];
  const pacedFrom = performance.now();
  for (let i = 0; i < count; i++) {
    const wait = pacedFrom + (i * 1000) / perSecond - performance.now();
    if (wait > 0) await pause(wait);
    running.push(leaseToAnswer(pool));
  }
  return { ...timingOf(await Promise.all(running)), perSecond };
}
