/**
 * `npm run test:vm`: boots a virtual machine on pure cgroup v2 and runs the C tests, the pool's and the hostile suite in
 * it. The last line is `N passed, N failed`. qemu emulates, since /dev/kvm is
 * often missing, or there and broken where machines are nested; MAYFLY_VM_KVM=1 uses it, ten times faster.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { buildImage } from "./build-image.ts";

const TIMEOUT_MS = 14 * 60_000;
/** Shown when something failed. */
const CONSOLE_LINES = 200;

if (process.arch !== "x64") throw new Error("the virtual machine is an x86_64 one: run test:vm there");
const { kernel, initramfs, disk } = buildImage();
const qemu = spawn(
  "qemu-system-x86_64",
  [
    ...["-machine", "q35", "-smp", "2", "-m", "3072", "-nographic", "-no-reboot"],
    ...(process.env.MAYFLY_VM_KVM === "1"
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi", "-cpu", "max"]),
    ...["-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=1"],
    ...["-drive", `file=${disk},if=virtio,format=raw`],
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const timer = setTimeout(() => qemu.kill("SIGKILL"), TIMEOUT_MS);
process.on("exit", () => qemu.kill("SIGKILL"));

const seen: string[] = [];
const sum = { passed: 0, failed: 0 };
const counted: string[] = [];
let hasEnded = false;
for await (const line of createInterface({ input: qemu.stdout })) {
  const text = line.trimEnd();
  const [, name, passed, failed] = text.match(/vm-count (\w+) (\d+) (\d+)$/) ?? [];
  if (name !== undefined) {
    counted.push(name);
    sum.passed += Number(passed);
    sum.failed += Number(failed);
    console.log(`${name}: ${passed} passed and ${failed} failed in the virtual machine`);
  } else if (text.endsWith("vm-end")) {
    hasEnded = true;
  } else {
    seen.push(text);
    if (/^ ?[✓×]|^\S.*: bystander p50/.test(text)) console.log(text);
  }
}
clearTimeout(timer);
// A machine that hangs or crashes has not passed.
if (!hasEnded || counted.length < 2) sum.failed += 1;
if (sum.failed > 0) console.log(seen.slice(-CONSOLE_LINES).join("\n"));
process.exitCode = sum.failed > 0 ? 1 : 0;
console.log(`${sum.passed} passed, ${sum.failed} failed`);
