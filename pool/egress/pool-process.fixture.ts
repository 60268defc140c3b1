/**
 * A worker's side: a process in a network namespace of a test's, started by network-lab.fixture.ts. Opens pools and
 * runs code in their sandboxes, as it is told over IPC: {id, action, ...} is answered by {id, value} or {id, error}.
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { pino } from "pino";
import { type LeaseChanges, runCode } from "../code-runner.fixture.ts";
import { createPool } from "../create-pool.ts";
import type { SandboxPool } from "../sandbox.ts";
import { WORKER_PORT } from "./lab-addresses.fixture.ts";

export interface EgressSettings {
  range: string;
  resolver: string | undefined;
  deny: string[];
  target: number;
}

export type Command =
  | { action: "open"; instance: string; egress: EgressSettings | undefined }
  | { action: "run"; code: string; changes: LeaseChanges }
  | { action: "stats" }
  | { action: "close" };

/** Of the function that runs the code; whoever started this process removes it. */
const [, , folder = ""] = process.argv;
let pool: SandboxPool | undefined;

const opened = () => {
  if (pool === undefined) throw new Error("no pool is open");
  return pool;
};

async function carryOut(command: Command): Promise<unknown> {
  switch (command.action) {
    case "open":
      pool = await createPool({
        instance: command.instance,
        targets: { nodejs24: 1 },
        maxSandboxes: 8,
        egress: command.egress,
        logger: pino({ level: process.env.MAYFLY_LOG_LEVEL ?? "silent" }),
        onLost: (runtime) => {
          throw new Error(`the spawner of ${runtime} was lost`);
        },
      });
      return undefined;
    case "run":
      return runCode(opened(), folder, command.code, command.changes);
    case "stats":
      return opened().stats();
    case "close": {
      const closing = opened();
      pool = undefined;
      return closing.close();
    }
  }
}

process.on("message", async ({ id, ...command }: Command & { id: number }) => {
  try {
    process.send?.({ id, value: await carryOut(command as Command) });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    process.send?.({ id, error: { code, message } });
  }
});
process.on("disconnect", async () => {
  await pool?.close();
  process.exit();
});

/** What else runs on the worker's machine; on port 53 it could be the operator's resolver. */
for (const port of [WORKER_PORT, 53]) {
  const server = createServer((socket) => socket.end("the worker's machine"));
  await new Promise<void>((resolve) => server.listen(port, "::", resolve));
  const udp = createSocket("udp6");
  udp.on("message", (_, from) => udp.send("the worker's machine", from.port, from.address));
  await new Promise<void>((resolve) => udp.bind(port, "::", resolve));
}
process.send?.("ready");
