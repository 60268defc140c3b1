/** One event to hello/index.mjs in a sandbox of a pool: what hello.ts, growth.ts and soak.ts time. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { functionLimits } from "../../contract/index.ts";
import type { SandboxPool } from "../../pool/sandbox.ts";

/** The function's folder, with everything that other contenders need to run it. */
export const HELLO_FOLDER = fileURLToPath(new URL("hello", import.meta.url));

const LEASE_TIMEOUT_MS = 20_000;
const limits = functionLimits.parse({ memoryMb: 128 });
const BODY = Buffer.from('{"name":"you"}');
const ANSWER = '{"hello":"you"}';

/**
 * Milliseconds from asking the pool until the answer; the teardown begins after that, as in the worker, and nobody waits
 * for it. Rejects on any other answer.
 */
export async function leaseToAnswer(pool: SandboxPool): Promise<number> {
  const startedAt = performance.now();
  const sandbox = await pool.acquire("nodejs24", LEASE_TIMEOUT_MS);
  try {
    await sandbox.prepare({
      functionName: "hello",
      handler: "index.handler",
      limits,
      bundleFolder: HELLO_FOLDER,
    });
    const outcome = await sandbox.run(
      { type: "event", invocationId: randomUUID(), deadlineMs: Date.now() + limits.timeoutMs },
      BODY,
      limits.timeoutMs,
    );
    const took = performance.now() - startedAt;
    if (outcome.kind !== "answer" || outcome.body.toString() !== ANSWER)
      throw new Error(`no answer: ${JSON.stringify(outcome)}`);
    return took;
  } finally {
    void sandbox.destroy();
  }
}
