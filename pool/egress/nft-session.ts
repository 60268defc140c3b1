/**
 * A long-lived `nft` that owns the instance's table (nftables "flags owner", Linux 5.12). Opened by egress-network.ts.
 *
 * While it lives nobody else changes the table: `nft flush ruleset`, as most firewalls' restarts do it, leaves the
 * refusals standing. When it ends, with the worker or alone, the kernel removes the table. And a lease with an
 * allow-list costs a line on its stdin, not a process.
 *
 * One line is one transaction. nft says nothing on success, so each line is followed by a word that is no command: all
 * that stands on stderr before nft's complaint about it belongs to the line.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { MayflyError } from "../../contract/index.ts";
import { notInstalled, TOOL_ENVIRONMENT } from "./run-tool.ts";

interface Pending {
  marker: string;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** The kernel refuses with ERESTART what meets another program's transaction; nothing of it took effect. */
const MET_ANOTHER = "Interrupted system call should be restarted";

const failed = (message: string, cause?: unknown) =>
  new MayflyError("EGRESS_FAILED", { message: `Cannot change the firewall table: ${message}`, cause });

export class NftSession {
  /** Resolves when nft has ended, and the table is gone with it. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #pending: Pending[] = [];
  #said = "";
  #count = 0;
  #end: Error | undefined;

  /** `command`: tests put another program in nft's place. */
  constructor(command: [string, ...string[]] = ["nft", "-i"]) {
    const [program, ...args] = command;
    this.#child = spawn(program, args, {
      env: TOOL_ENVIRONMENT,
      cwd: "/",
      stdio: ["pipe", "ignore", "pipe"],
      /* Ctrl-C ends the worker first, and nft with its stdin. */
      detached: true,
    });
    this.ended = new Promise((resolve) => {
      const end = (error: Error) => {
        this.#end ??= error;
        for (const { reject } of this.#pending.splice(0)) reject(this.#end);
        resolve();
      };
      this.#child.on("error", (cause: NodeJS.ErrnoException) =>
        end(cause.code === "ENOENT" ? notInstalled(program, cause) : failed(cause.message, cause)),
      );
      this.#child.on("close", () => end(failed(`nft has ended${this.#said && `: ${this.#said.trim()}`}`)));
    });
    /* Writing to one that has ended; `close` says so. */
    this.#child.stdin?.on("error", () => {});
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** All of the commands take effect, or none. Errors: EGRESS_FAILED, with what nft says; HOST_UNSUITABLE without nft. */
  async apply(commands: string): Promise<void> {
    try {
      await this.#send(commands);
    } catch (error) {
      if (!(error instanceof Error && error.message.includes(MET_ANOTHER))) throw error;
      await this.#send(commands);
    }
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended;
  }

  #send(commands: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const marker = `mayfly_done_${++this.#count}_`;
      this.#pending.push({ marker, resolve, reject });
      const line = commands
        .split("\n")
        .map((part) => part.trim())
        .filter((part) => part !== "")
        .join("; ");
      this.#child.stdin?.write(`${line}\n${marker}\n`);
    });
  }

  /** Errors come as `Error: …`, the line, and a third that underlines where. */
  #hear(text: string): void {
    this.#said += text;
    for (;;) {
      const first = this.#pending[0];
      const end = first && new RegExp(`^Error: .*\\n${first.marker}\\n.*\\n`, "m").exec(this.#said);
      if (first === undefined || !end) return;
      const said = this.#said.slice(0, end.index);
      this.#said = this.#said.slice(end.index + end[0].length);
      this.#pending.shift();
      const lines = said.split("\n").filter((part) => part.includes("Error:"));
      /* One that all of the commands meet is said once for each. */
      const errors = [...new Set(lines)].slice(0, 3);
      if (errors.length === 0) first.resolve();
      else first.reject(failed(errors.map((part) => part.replace(/^.*Error: /, "")).join("; ")));
    }
  }
}
