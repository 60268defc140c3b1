/** For tests: a redis-server of their own on a Unix socket in a temporary folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export class RedisFixture {
  readonly folder: string;
  #child: ChildProcess;

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.#child = child;
  }

  static async start(): Promise<RedisFixture> {
    const folder = await mkdtemp(join(tmpdir(), "mayfly-gateway-"));
    return new RedisFixture(folder, await startServer(folder));
  }

  get socket(): string {
    return join(this.folder, "redis.sock");
  }

  /** The server alone, as in an outage. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  async restart(): Promise<void> {
    this.#child = await startServer(this.folder);
  }

  async end(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function startServer(folder: string): Promise<ChildProcess> {
  const options = ["--port", "0", "--unixsocket", join(folder, "redis.sock"), "--save", "", "--dir", folder];
  const child = spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] });
  if (!child.stdout) throw new Error("redis-server has no output");
  for await (const line of createInterface(child.stdout))
    if (line.includes("ready to accept connections")) {
      // Whatever it says from now on must not fill the pipe.
      child.stdout.resume();
      return child;
    }
  throw new Error("redis-server ended before it was ready");
}
