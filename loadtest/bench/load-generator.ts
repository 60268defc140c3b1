/**
 * A process that keeps a number of requests in flight for some seconds: `node load-generator.ts LOAD`, LOAD as JSON. It
 * says `counting` on stdout when it begins to count, and at the end what it counted, as JSON. sustained.ts starts it;
 * it is a process of its own so that its CPU can be told from what it measures.
 */
import { setTimeout as pause } from "node:timers/promises";
import { KeepAliveClient } from "./keep-alive-client.ts";
import { COUNTING, type LoadCount, load } from "./load.ts";

const { target, answer, inFlight, warmUpSeconds, seconds } = load.parse(JSON.parse(process.argv[2] ?? ""));
let answered = 0;
let errors = 0;
let isOver = false;

async function caller(): Promise<void> {
  const client = await KeepAliveClient.connect(target);
  while (!isOver) {
    const { status, body } = await client.post();
    if (status === 200 && body === answer) answered += 1;
    else errors += 1;
  }
  client.close();
}

const callers = Array.from({ length: inFlight }, caller);
const failed = Promise.all(callers);
await Promise.race([pause(warmUpSeconds * 1000), failed]);
answered = 0;
const errorsBefore = errors;
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
console.log(COUNTING);
await Promise.race([pause(seconds * 1000), failed]);
const { user, system } = process.cpuUsage(cpuBefore);
const count: LoadCount = {
  answered,
  errors: errors - errorsBefore,
  seconds: (performance.now() - startedAt) / 1000,
  cpuMs: (user + system) / 1000,
};
console.log(JSON.stringify(count));
isOver = true;
await failed;
process.exit(0);
