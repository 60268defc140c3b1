/** Processes as /proc tells them (proc(5)); for leftovers.ts. */
import { readdir, readFile } from "node:fs/promises";

export interface SeenProcess {
  parent: number;
  /** In clock ticks since boot; together with the pid it names a process for ever. */
  startTime: string;
  command: string;
  cgroup: string;
}

/** Undefined for one that is gone, or is a zombie that somebody else has to reap. */
export async function readProcess(pid: number): Promise<SeenProcess | undefined> {
  try {
    const [stat, command, cgroup] = await Promise.all(
      ["stat", "cmdline", "cgroup"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8")),
    );
    // The second field is a name in parentheses and may hold anything; the rest is numbers.
    const [state, parent, ...fields] = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ");
    if (state === "Z" || state === "X") return undefined;
    const readable = (command ?? "").replaceAll("\0", " ").trim();
    return { parent: Number(parent), startTime: fields[17] ?? "", command: readable, cgroup: cgroup ?? "" };
  } catch {
    return undefined;
  }
}

/** All processes below `root`, itself included: pid → start time. */
export async function processTree(root: number): Promise<Map<number, string>> {
  const seen = new Map<number, SeenProcess>();
  for (const name of await readdir("/proc")) {
    const process = Number.isInteger(Number(name)) ? await readProcess(Number(name)) : undefined;
    if (process) seen.set(Number(name), process);
  }
  const tree = new Map<number, string>();
  const add = (pid: number) => {
    const process = seen.get(pid);
    if (!process || tree.has(pid)) return;
    tree.set(pid, process.startTime);
    for (const [child, { parent }] of seen) if (parent === pid) add(child);
  };
  add(root);
  return tree;
}
