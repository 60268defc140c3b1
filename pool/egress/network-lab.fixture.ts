/**
 * A worker's machine and all that is around it, of network namespaces: nothing of the machine's own network is touched
 * and all goes with the processes that hold it. For egress.itest.ts and loadtest/egress-cost.ts.
 *
 *   worker ── up0 ═══ down0 ── outside (the Internet, private networks, metadata, the resolver)
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { runnerFolder } from "../code-runner.fixture.ts";
import { removeFolder } from "../linux-pool.fixture.ts";
import { GATEWAY, RESOLVER, SERVED_ADDRESSES, WORKER_ADDRESSES, WORKER_V6 } from "./lab-addresses.fixture.ts";
import type { Command } from "./pool-process.fixture.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A network namespace that ends with its holder, or with this process. */
async function holdNamespace(): Promise<ChildProcess> {
  const holder = spawn("unshare", ["--net", "sh", "-c", "ip link set lo up; echo ready; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  return holder;
}

/** What a command in the namespace of a process printed. */
export function inNamespace(pid: number | undefined, command: string, input = ""): string {
  const args = [`--net=/proc/${pid}/ns/net`, "sh", "-euc", command];
  return execFileSync("nsenter", args, { input, encoding: "utf8", stdio: "pipe" });
}

type Answer = { id: number; value?: unknown; error?: { code?: string; message: string } };

/** A fixture's process in a namespace, spoken to over IPC. */
export class LabProcess {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on("message", (message: Answer | "ready") => {
      if (message === "ready") return;
      const { resolve, reject } = this.#waiting.get(message.id) ?? {};
      this.#waiting.delete(message.id);
      const { error } = message;
      if (error) reject?.(Object.assign(new Error(error.message), { code: error.code }));
      else resolve?.(message.value);
    });
    child.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the process has ended"));
    });
  }

  static async start(namespace: ChildProcess, script: string, ...words: string[]): Promise<LabProcess> {
    const args = [`--net=/proc/${namespace.pid}/ns/net`, process.execPath, here(script), ...words];
    const child = spawn("nsenter", args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const lab = new LabProcess(child);
    await once(child, "message");
    return lab;
  }

  ask(message: object): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    const id = ++this.#count;
    this.#waiting.set(id, answer);
    this.child.send({ id, ...message });
    return answer.promise;
  }

  /** Lets it close what it has. */
  async end(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.disconnect();
    await ended;
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}

const add = (address: string, device: string) =>
  `ip addr add ${address}/${address.includes(":") ? "128 nodad" : 32} dev ${device}`;

export class NetworkLab {
  readonly #worker: ChildProcess;
  readonly #outside: ChildProcess;
  readonly #processes: LabProcess[] = [];
  /** Of the function whose code tests send. */
  readonly #folder = runnerFolder();
  #world!: LabProcess;

  private constructor(worker: ChildProcess, outside: ChildProcess) {
    this.#worker = worker;
    this.#outside = outside;
  }

  static async build(): Promise<NetworkLab> {
    const [worker, outside] = await Promise.all([holdNamespace(), holdNamespace()]);
    const lab = new NetworkLab(worker, outside);
    const [own = ""] = WORKER_ADDRESSES;
    lab.worker(`
      ip link add up0 type veth peer name down0 netns ${outside.pid}
      ip addr add ${own}/24 dev up0
      ${WORKER_ADDRESSES.slice(1)
        .map((address) => add(address, "lo"))
        .join("\n")}
      ip addr add ${WORKER_V6}/64 dev up0 nodad
      ip link set up0 up
      echo 1 > /proc/sys/net/ipv4/ip_forward
      echo 1 > /proc/sys/net/ipv6/conf/all/forwarding`);
    inNamespace(
      outside.pid,
      `ip addr add ${GATEWAY}/24 dev down0
      ip addr add ${RESOLVER}/24 dev down0
      ip addr add ${WORKER_V6.replace(/2$/, "1")}/64 dev down0 nodad
      ip link set down0 up
      ip route add ${WORKER_ADDRESSES[1]} via ${own}
      ${SERVED_ADDRESSES.filter((address) => !address.startsWith("192.168.77."))
        .map((address) => add(address, "lo"))
        .join("\n")}`,
    );
    lab.worker(
      `ip route add default via ${GATEWAY}; ip -6 route add default via ${WORKER_V6.replace(/2$/, "1")}`,
    );
    lab.#world = await LabProcess.start(outside, "outside.fixture.ts");
    return lab;
  }

  /** In the worker's namespace. */
  worker(command: string, input = ""): string {
    return inNamespace(this.#worker.pid, command, input);
  }

  /** A program of the worker's machine that runs on; it ends with its stdin. */
  hold(command: string[]): ChildProcess {
    const args = [`--net=/proc/${this.#worker.pid}/ns/net`, ...command];
    return spawn("nsenter", args, { stdio: ["pipe", "ignore", "inherit"] });
  }

  async startPool(): Promise<LabProcess & { ask(command: Command): Promise<unknown> }> {
    const started = await LabProcess.start(this.#worker, "pool-process.fixture.ts", this.#folder);
    this.#processes.push(started);
    return started;
  }

  /** What reached the outside until now; only what `filter` is part of. */
  async arrived(filter = ""): Promise<{ what: string; from: string }[]> {
    const all = (await this.#world.ask({})) as { what: string; from: string }[];
    return all.filter(({ what }) => what.includes(filter));
  }

  /** Interfaces of sandboxes, and tables, in the worker's namespace. */
  leftovers(): { links: string[]; tables: string[] } {
    const names = this.worker("ls /proc/sys/net/ipv4/conf").split("\n");
    const tables = this.worker("nft list tables").trim().split("\n");
    return { links: names.filter((name) => name.startsWith("mf")), tables: tables.filter(Boolean) };
  }

  async destroy(): Promise<void> {
    for (const { child } of [...this.#processes, this.#world])
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
    removeFolder(this.#folder);
    for (const holder of [this.#worker, this.#outside]) holder.stdin?.end();
  }
}
