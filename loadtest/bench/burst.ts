/** 100 requests at once, on connections that stand already, to an idle service with 16 sandboxes parked. */
import { type Bench, sized } from "./context.ts";
import { KeepAliveClient } from "./keep-alive-client.ts";
import type { BurstResult } from "./results.ts";
import { SERVICE_PARKED, targetOf, untilIdle } from "./service.ts";
import { timingOf } from "./timing.ts";

const AT_ONCE = 100;
const EVENT = '{"name":"you"}';
const ANSWER = '{"hello":"you"}';

export async function measureBurst(bench: Bench): Promise<BurstResult> {
  const bursts = sized(bench, 10, 1);
  bench.say(`burst: ${bursts} times ${AT_ONCE} at once, ${SERVICE_PARKED} parked`);
  const service = await bench.service();
  const connect = () => KeepAliveClient.connect(targetOf(service, EVENT));
  const clients = await Promise.all(Array.from({ length: AT_ONCE }, connect));
  await bench.scope.defer(() => {
    for (const client of clients) client.close();
  });
  const times: number[] = [];
  let errors = 0;
  for (let burst = 0; burst < bursts; burst++) {
    await untilIdle(service);
    const startedAt = performance.now();
    const one = async (client: KeepAliveClient) => {
      const { status, body } = await client.post();
      if (status === 200 && body === ANSWER) times.push(performance.now() - startedAt);
      else errors += 1;
    };
    await Promise.all(clients.map(one));
  }
  if (times.length === 0) throw new Error("no request of the bursts was answered");
  return { n: times.length + errors, errors, p99Ms: timingOf(times).p99Ms };
}
