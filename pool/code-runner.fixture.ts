/** Runs code that a test sends, each time in a fresh sandbox of a pool. For filesystem.itest.ts and egress.itest.ts. */
import type { Network } from "../contract/index.ts";
import { SLOWNESS } from "../test/support/slowness.ts";
import { bundleFolder } from "./linux-pool.fixture.ts";
import type { Lease, Outcome, SandboxPool } from "./sandbox.ts";
import { eventHeader, leaseOf, limits } from "./sandbox-contract.ts";

/** Its event is `{ code }`, the body of an async function that gets `fs`, `cp` and `require`. */
const FUNCTION = `
const fs = require("fs");
const cp = require("child_process");
const AsyncFunction = (async () => {}).constructor;
exports.handler = ({ code }) => new AsyncFunction("fs", "cp", "require", code)(fs, cp, require);`;

export type LeaseChanges = Partial<Omit<Lease, "limits">> & {
  limits?: Partial<Lease["limits"]>;
  network?: Network;
};

/** A folder whose function runs what it is sent. */
export const runnerFolder = (): string => bundleFolder({ "index.cjs": FUNCTION });

/** What the code returned. Rejects with the outcome when it did not answer. */
export async function runCode(
  pool: SandboxPool,
  folder: string,
  code: string,
  changes: LeaseChanges = {},
): Promise<unknown> {
  const { network, ...leaseChanges } = changes;
  const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS, network);
  try {
    await sandbox.prepare(leaseOf(folder, { ...leaseChanges, limits: { ...limits, ...changes.limits } }));
    const outcome: Outcome = await sandbox.run(
      eventHeader(),
      Buffer.from(JSON.stringify({ code })),
      15_000 * SLOWNESS,
    );
    if (outcome.kind === "answer" && outcome.header.status === "ok")
      return JSON.parse(outcome.body.toString());
    // How it ended does not say why: that is the counters' to tell.
    const { oomKills } = sandbox.usage();
    throw new Error(JSON.stringify(outcome.kind === "answer" ? outcome.header : { ...outcome, oomKills }));
  } finally {
    await sandbox.destroy();
  }
}
