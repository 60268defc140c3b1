import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { claimInstance, claimPort } from "./claim-machine.ts";

test("claimPort() names a taken port and a way out", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  await expect(claimPort("127.0.0.1", port)).rejects.toThrow(
    new RegExp(`Port ${port} is taken: .*MAYFLY_PORT=`),
  );
  taken.close();
});

test("claimPort() finds a free port for 0 and leaves it free", async () => {
  const port = await claimPort("127.0.0.1", 0);
  expect(port).toBeGreaterThan(0);
  expect(await claimPort("127.0.0.1", port)).toBe(port);
});

test("claimInstance() lets one process at a time have a name", async () => {
  const name = `test-${process.pid}`;
  const lock = await claimInstance(name);
  await expect(claimInstance(name)).rejects.toThrow(/already running here as "test-/);
  lock.close();
  await once(lock, "close");
  (await claimInstance(name)).close();
});
