/** Loads and compiles in the zygote what every sandbox would otherwise load and compile for itself. */
import { warmInvocation } from "./serve-invocation.ts";

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

/** One file of each kind, beside the guest's code in the root filesystem (build-rootfs.ts). */
const WARM_BUNDLE = "/var/runtime/warm";
const WARM_HANDLERS = ["module.handler", "script.handler"];

export async function warmUp(): Promise<void> {
  for (const name of COMMON_MODULES) process.getBuiltinModule(name);
  for (const handler of WARM_HANDLERS) {
    const header = {
      invocationId: "00000000-0000-7000-8000-000000000000",
      functionName: "warm-up",
      handler,
      memoryMb: 256,
      deadlineMs: Date.now(),
      environment: {},
    };
    const { header: answer } = await warmInvocation(header, Buffer.from('{"name":"warm-up"}'), WARM_BUNDLE);
    if (answer.status !== "ok")
      throw new Error(`the warm-up of ${handler} failed: ${JSON.stringify(answer)}`);
  }
}
