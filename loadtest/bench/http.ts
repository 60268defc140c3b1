/**
 * End to end over HTTP, one keep-alive connection each: Mayfly; the same gateway, Redis and queue with a worker that only
 * echoes (echo-worker.ts); and workerd, which runs the function in an isolate that it keeps.
 */
import { type Bench, sized } from "./context.ts";
import { startEchoService } from "./echo-service.ts";
import { type Contender, interleave, PAUSE_MS } from "./interleave.ts";
import { KeepAliveClient, type Target } from "./keep-alive-client.ts";
import type { Comparison } from "./results.ts";
import type { Scope } from "./scope.ts";
import { HELLO_PATH, targetOf } from "./service.ts";
import { startWorkerd } from "./workerd.ts";

const EVENT = '{"name":"you"}';
const ANSWER = '{"hello":"you"}';

export async function measureHttp(bench: Bench): Promise<Comparison> {
  const { rounds, ...within } = sized(bench, { rounds: 500 }, { rounds: 30, withinMs: 1800 });
  bench.say(`http: ${rounds} rounds`);
  /* Beside the echo service, because launching takes seconds; who waits for it below hears of its failure. */
  bench.service().catch(() => {});
  const contenders: Contender[] = [
    {
      name: "echo",
      isOwn: true,
      open: async (scope) => {
        const { port, key } = await startEchoService(bench, scope);
        return openTarget(scope, { port, key, path: HELLO_PATH, body: EVENT }, EVENT);
      },
    },
    {
      name: "mayfly",
      isOwn: true,
      open: async (scope) => openTarget(scope, targetOf(await bench.service(), EVENT), ANSWER),
    },
    {
      name: "workerd",
      open: async (scope) =>
        openTarget(scope, { port: await startWorkerd(bench, scope), path: "/", body: EVENT }, ANSWER),
    },
  ];
  return interleave(contenders, { rounds, warmUps: 5, pauseMs: PAUSE_MS, ...within }, bench.scope);
}

/** A contender's open(): each request must be answered by 200 and the expected body. */
async function openTarget(scope: Scope, target: Target, answer: string): Promise<() => Promise<number>> {
  const client = await KeepAliveClient.connect(target);
  await scope.defer(() => client.close());
  return async () => {
    const startedAt = performance.now();
    const { status, body } = await client.post();
    const took = performance.now() - startedAt;
    if (status !== 200 || body !== answer) throw new Error(`it answered ${status}: ${body}`);
    return took;
  };
}
