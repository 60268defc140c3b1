/** Facts about the machine that a reader needs to compare figures. Called by main.ts. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { readCgroupLayout } from "../../native/ts/cgroup-layout.ts";
import type { Machine } from "./results.ts";

/** What says its version, and how it is asked. */
const VERSIONS: Record<string, string[]> = {
  bubblewrap: ["bwrap", "--version"],
  crun: ["crun", "--version"],
  runc: ["runc", "--version"],
  runsc: ["runsc", "--version"],
  redis: ["redis-server", "--version"],
  workerd: [fileURLToPath(new URL("../../node_modules/.bin/workerd", import.meta.url)), "--version"],
};

export function readMachine(quick: boolean): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryMb: Math.round(totalmem() / 1024 / 1024),
    kernel: release().split("-")[0] ?? release(),
    distribution: distribution(),
    cgroups: readCgroupLayout().mode,
    node: process.version,
    versions: Object.fromEntries(
      Object.entries(VERSIONS).map(([name, command]) => [name, versionOf(command)]),
    ),
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    date: new Date().toISOString().slice(0, 10),
    quick,
  };
}

function versionOf([command = "", ...args]: string[]): string {
  try {
    const output = execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /\d+([.-][\w~+]+)+/.exec(output)?.[0] ?? "unknown";
  } catch {
    return "not installed";
  }
}

/** os-release(5). */
function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}
