/**
 * One run of qemu, from its start to its end. For run-vm-tests.ts. The machine has one disk, whose changes are thrown
 * away, no network, and a serial console, on which run-in-vm.ts speaks in lines that begin with `vm:`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Count } from "../run-vitest.ts";
import type { Image } from "./build-image.ts";

export interface BootOptions {
  /**
   * `kvm`: by the processor. `tcg`: translated by qemu, some ten times slower. /dev/kvm may be there and not work where
   * machines are nested, so that only a machine that has booted proves it.
   */
  accelerator: "kvm" | "tcg";
  bootTimeoutMs: number;
  suites: string[];
  /** MAYFLY_TEST_SLOWNESS in the machine. */
  slowness: number;
}

export interface VmEnd {
  hasBooted: boolean;
  /** What each suite counted. */
  counts: Map<string, Count>;
  /** Everything else that the machine said. */
  console: string[];
  /** Why it was not done when it ended; undefined when it was. */
  why: string | undefined;
}

/** All suites together; and one test's, as the console is silent meanwhile. */
const TOTAL_TIMEOUT_MS = 15 * 60_000;
const SILENCE_TIMEOUT_MS = 5 * 60_000;
const MEMORY_MB = 3072;

const PROCESSORS = {
  kvm: ["-accel", "kvm", "-cpu", "host"],
  // Five-level page tables cost an emulated walk more and are of no use here.
  tcg: ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"],
};

function qemuArguments({ kernel, initramfs, disk }: Image, options: BootOptions): string[] {
  const { accelerator, suites, slowness } = options;
  // Detours around faults of real processors are dear where each jump is translated.
  const speed = accelerator === "tcg" ? "mitigations=off" : "";
  const words = `console=ttyS0 quiet panic=1 ${speed} mayfly.suites=${suites} mayfly.slowness=${slowness}`;
  return [
    ...["-machine", "q35", ...PROCESSORS[accelerator], "-smp", "2", "-m", `${MEMORY_MB}`],
    ...["-nographic", "-no-reboot", "-nic", "none"],
    ...["-kernel", kernel, "-initrd", initramfs, "-append", words],
    ...["-drive", `file=${disk},if=virtio,format=raw,snapshot=on,cache=unsafe`],
  ];
}

/** Resolves when qemu has ended; it never outlives this process. Rejects when it cannot be started. */
export async function bootVm(image: Image, options: BootOptions): Promise<VmEnd> {
  const end: VmEnd = { hasBooted: false, counts: new Map(), console: [], why: "it ended early" };
  const qemu = spawn("qemu-system-x86_64", qemuArguments(image, options), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => qemu.kill("SIGKILL");
  process.once("exit", kill);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, exitBySignal);

  const giveUp = (why: string) => () => {
    end.why = why;
    kill();
  };
  const total = setTimeout(
    giveUp(`it took more than ${TOTAL_TIMEOUT_MS / 60_000} minutes`),
    TOTAL_TIMEOUT_MS,
  );
  const { bootTimeoutMs } = options;
  const boot = setTimeout(giveUp(`it had not booted after ${bootTimeoutMs / 1000} s`), bootTimeoutMs);
  const silence = setTimeout(
    giveUp(`it said nothing for ${SILENCE_TIMEOUT_MS / 60_000} minutes`),
    SILENCE_TIMEOUT_MS,
  );
  createInterface({ input: qemu.stdout }).on("line", (line) => {
    silence.refresh();
    if (hear(line.trimEnd(), end)) clearTimeout(boot);
  });
  createInterface({ input: qemu.stderr }).on("line", (line) => {
    end.console.push(line);
    if (!end.hasBooted) end.why = line;
  });
  try {
    await once(qemu, "close");
  } catch (cause) {
    throw new Error("qemu-system-x86_64 cannot be started: apt-get install qemu-system-x86", { cause });
  } finally {
    for (const timer of [total, boot, silence]) clearTimeout(timer);
    process.off("exit", kill);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, exitBySignal);
  }
  return end;
}

/** The `exit` handlers run then, and end qemu. */
const exitBySignal = () => process.exit(1);

/** What run-in-vm.ts says. True when the line shows that the machine has booted. */
function hear(line: string, end: VmEnd): boolean {
  // Not only at the line's begin: the firmware's escape sequences come before.
  const [, word, name = "", passed, failed] =
    /vm: (booted|count|done)(?: (\S+))?(?: (\d+) (\d+))?$/.exec(line) ?? [];
  if (word === "booted") {
    end.hasBooted = true;
    end.why = "it ended before its suites did";
    console.log(`booted Linux ${name}`);
  } else if (word === "count") end.counts.set(name, { passed: Number(passed), failed: Number(failed) });
  else if (word === "done") end.why = undefined;
  else {
    end.console.push(line);
    // The result of each file as it comes: emulation takes minutes.
    if (/^ [✓❯×]|^ FAIL|bystander p50/.test(line)) console.log(line);
  }
  return word === "booted";
}
