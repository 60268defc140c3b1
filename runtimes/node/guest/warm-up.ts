/** Loads and compiles in the zygote what every sandbox would otherwise load and compile for itself. */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { writeFrame } from "./frames.ts";
import { answerEvent } from "./serve-invocation.ts";
import { SyncStream } from "./sync-stream.ts";

/** Built-in modules that functions commonly import: loaded once here, shared by all. */
const COMMON_MODULES = [
  "node:assert",
  "node:buffer",
  "node:child_process",
  "node:crypto",
  "node:dns",
  "node:events",
  "node:fs/promises",
  "node:http",
  "node:https",
  "node:net",
  "node:os",
  "node:path",
  "node:querystring",
  "node:stream/promises",
  "node:string_decoder",
  "node:timers/promises",
  "node:tls",
  "node:url",
  "node:util",
  "node:worker_threads",
  "node:zlib",
];

/** Beside the guest's code in the root filesystem (build-rootfs.ts): functions, and the frames that lead to them. */
const WARM_BUNDLE = "/var/runtime/warm";
/** A module of each kind, and one for each forked process. */
const WARM_FUNCTIONS = ["module", "script"];
const PARKED_FUNCTION = "parked";

/** The path of an invocation from its first frame to the frame of its answer, which goes nowhere. */
async function rehearse(name: string): Promise<void> {
  const control = openSync(`${WARM_BUNDLE}/${name}.frames`, "r");
  const gate = openSync("/dev/zero", "r");
  const nowhere = openSync("/dev/null", "w");
  const answer = await answerEvent({ control, gate, root: WARM_BUNDLE });
  if (answer.header.status !== "ok") {
    throw new Error(`the warm-up of ${name} failed: ${JSON.stringify(answer)}`);
  }
  writeFrame(nowhere, answer.header, answer.body);
  // What console.log() and event emitters run through.
  new SyncStream(nowhere).write("warm-up\n");
  (process as NodeJS.EventEmitter).emit("rehearsed");
  for (const fd of [control, nowhere]) closeSync(fd);
  process.chdir("/");
}

/** Loads OpenSSL's generator and hashes. Its state is not shared: it is seeded anew where it finds another pid. */
function rehearseCrypto(): void {
  randomBytes(16);
  createHash("sha256").update("warm-up").digest("hex");
}

/**
 * In each forked process, before it parks: the path of an invocation once more, now on pages of its own. A fork copies a
 * page at its first write; this writes those that an invocation will, while nobody waits: 54 of 415 page faults are left
 * for the invocation itself.
 */
export const rehearseAfterFork = (): Promise<void> => rehearse(PARKED_FUNCTION);

/** V8 remembers what a function's operations meet from its eighth call on, and compiles with Sparkplug soon after. */
const ROUNDS = 8;
/** The garbage collection forgets part of that, and bytecode that was not in use. */
const ROUNDS_AFTER_COLLECTION = 2;

async function rehearseTimes(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) for (const name of WARM_FUNCTIONS) await rehearse(name);
}

export async function warmUp(): Promise<void> {
  for (const name of COMMON_MODULES) process.getBuiltinModule(name);
  rehearseCrypto();
  await rehearseTimes(ROUNDS);
}

export const warmUpAfterCollection = (): Promise<void> => rehearseTimes(ROUNDS_AFTER_COLLECTION);
