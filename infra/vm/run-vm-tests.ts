/**
 * Boots a virtual machine on pure cgroup v2, runs the suites in it and counts what its console says. Called by main.ts
 * (`npm run test:vm`) and by ../run-checks.ts. The guest's side is run-in-vm.ts.
 */
import type { Count } from "../run-vitest.ts";
import { bootVm, type VmEnd } from "./boot-vm.ts";
import { buildImage, type Image } from "./build-image.ts";
import { SUITES } from "./suites.ts";

/** Shown when something failed. */
const CONSOLE_LINES = 150;
/** A virtual processor that works has left the kernel's boot behind by then; see boot-vm.ts. */
const KVM_BOOT_TIMEOUT_MS = 20_000;
const EMULATED_BOOT_TIMEOUT_MS = 180_000;
/** What emulation costs, in run time of Node.js. Time limits of tests grow with it. */
const EMULATED_SLOWNESS = 6;

/** `names`: of SUITES, all when empty. Says what it does on stdout; what could not run is a failure. */
export async function runVmTests(names: string[]): Promise<Count> {
  const suites = names.length === 0 ? SUITES.map(({ name }) => name) : names;
  try {
    if (process.arch !== "x64")
      throw new Error(`the virtual machine is an x86_64 one, and this is ${process.arch}: run test:vm there`);
    return count(suites, await boot(buildImage(), suites));
  } catch (error) {
    console.log(`The virtual machine did not run: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1 };
  }
}

/** By KVM where it works, else by emulation. MAYFLY_VM_KVM=0 does not try it. */
async function boot(image: Image, suites: string[]): Promise<VmEnd> {
  if (process.env.MAYFLY_VM_KVM !== "0") {
    const end = await bootVm(image, {
      accelerator: "kvm",
      bootTimeoutMs: KVM_BOOT_TIMEOUT_MS,
      suites,
      slowness: 1,
    });
    if (end.hasBooted) return end;
    console.log(`KVM cannot be used here (${end.why}): the virtual machine is emulated, which takes minutes`);
  }
  return bootVm(image, {
    accelerator: "tcg",
    bootTimeoutMs: EMULATED_BOOT_TIMEOUT_MS,
    suites,
    slowness: EMULATED_SLOWNESS,
  });
}

/** A machine that hung or crashed has not passed, nor has a suite of which it said nothing. */
function count(suites: string[], { counts, why, console: lines }: VmEnd): Count {
  const sum = { passed: 0, failed: 0 };
  for (const name of suites) {
    const { passed, failed } = counts.get(name) ?? { passed: 0, failed: 0 };
    const isEmpty = passed + failed === 0;
    console.log(`${name}: ${isEmpty ? "did not run" : `${passed} passed and ${failed} failed on cgroup v2`}`);
    sum.passed += passed;
    sum.failed += failed + (isEmpty ? 1 : 0);
  }
  if (why !== undefined) sum.failed += 1;
  if (sum.failed > 0) {
    console.log(`\n-- the virtual machine's console, its last ${CONSOLE_LINES} lines`);
    console.log(lines.slice(-CONSOLE_LINES).join("\n"));
    console.log("-- end of the console");
    if (why !== undefined) console.log(`The virtual machine was not done: ${why}`);
  }
  return sum;
}
