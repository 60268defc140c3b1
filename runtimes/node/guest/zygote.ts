/**
 * The zygote of nodejs24: loads what functions commonly use, runs the path of an invocation until it is compiled,
 * collects its garbage, and then stands in zygoteServe() for the rest of its life. Each process forked from it
 * continues below that line. It holds no secrets and never loads a tenant's code.
 *
 * It must not touch Math.random, crypto.randomUUID, crypto.randomInt, process.stdout or process.stderr: what they
 * remember would be shared by all sandboxes. pool/linux-sandbox.itest.ts looks for it.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CONTROL_FD, zygoteServe } from "../../../native/ts/zygote-library.ts";
import { mendProcess, prepareMends } from "./mend-process.ts";
import { prepareStackReport, prepareUncaught, serveInvocation } from "./serve-invocation.ts";
import { rehearseAfterFork, warmUp, warmUpAfterCollection } from "./warm-up.ts";

/**
 * A last-resort collection also finishes sweeping, which else every child would do again, touching and so copying
 * each page of the heap: 20 % of what a child costs until it is parked.
 */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: (options: object) => void = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}

prepareMends();
prepareStackReport();
prepareUncaught();
await warmUp();
collectGarbage();
await warmUpAfterCollection();
mendProcess(); // for nothing but its compiled code
/* Until the fork the descriptor is the socket on which requests to fork come. */
const result = zygoteServe(CONTROL_FD);
if (result < 0) throw new Error(`the zygote cannot serve: errno ${-result}`);

// From here on in a sandbox, without rights.
mendProcess();
await rehearseAfterFork();
await serveInvocation();
