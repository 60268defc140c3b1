/** 1,000 invocations of hello over HTTP, 16 at a time, through gateway, Redis, worker and sandbox and back. */
import { expect, test } from "vitest";
import { percentile } from "../loadtest/percentile.ts";
import { launchService } from "./support/launched-service.ts";
import { Leftovers } from "./support/leftovers.ts";

const INVOCATIONS = 1000;
const AT_A_TIME = 16;

test("1,000 invocations over HTTP, 16 at a time, all answer, and nothing is left behind", async () => {
  const instance = `load-${process.pid}`;
  const leftovers = await Leftovers.before(instance);
  const service = await launchService(instance);
  leftovers.expectGone(service.dataDir.slice(service.dataDir.lastIndexOf("/") + 1), service.port);

  const times: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  const caller = async () => {
    while (next < INVOCATIONS) {
      const name = `caller ${next++}`;
      const sentAt = performance.now();
      const { status, body } = await service.invoke("hello", { name });
      expect([status, body.greeting]).toEqual([200, `Hello, ${name}!`]);
      times.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  times.sort((a, b) => a - b);
  console.log(
    `${INVOCATIONS} invocations over HTTP, ${AT_A_TIME} at a time: p50 ${percentile(times, 0.5).toFixed(1)} ms, ` +
      `p99 ${percentile(times, 0.99).toFixed(1)} ms, ${(INVOCATIONS / seconds).toFixed(0)}/s`,
  );
  expect(times).toHaveLength(INVOCATIONS);

  await leftovers.noteRunning(service.pid);
  await service.stop();
  expect(await leftovers.find()).toEqual([]);
  await service.removeData();
}, 120_000);
