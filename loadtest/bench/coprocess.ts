/** A program that does one thing for each byte on its stdin and answers with a line: programs/floor.c, timed-exec.c. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Scope } from "./scope.ts";

/** One cycle takes at most a second or two; this ends the wait for one that hangs. */
const ANSWER_TIMEOUT_MS = 20_000;

export class Coprocess {
  readonly #child: ChildProcess;
  readonly #name: string;
  #lastWords = "";
  #answer: PromiseWithResolvers<string> | undefined;
  #end: string | undefined;

  /** Ends with the scope. */
  constructor(scope: Scope, command: string, args: string[]) {
    this.#name = args[0] ?? command;
    /* A group of its own: Ctrl-C is for the bench, which ends everything in order. */
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: { PATH: process.env.PATH },
    });
    this.#listen();
    void scope.defer(() => this.#stop());
  }

  /** One cycle. Rejects with the program's last words when it ends or is silent. */
  async ask(): Promise<string> {
    if (this.#end !== undefined) throw new Error(this.#end);
    this.#lastWords = "";
    this.#answer = Promise.withResolvers<string>();
    this.#child.stdin?.write("\n");
    const timer = setTimeout(
      () => this.#answer?.reject(new Error(`${this.#name} was silent for ${ANSWER_TIMEOUT_MS} ms`)),
      ANSWER_TIMEOUT_MS,
    );
    return await this.#answer.promise.finally(() => clearTimeout(timer));
  }

  /** What it, or a command that it started, wrote to stderr last; since the last ask(). */
  get lastWords(): string {
    return this.#lastWords;
  }

  #listen(): void {
    const { stdin, stdout, stderr } = this.#child;
    if (!stdin || !stdout || !stderr) throw new Error(`${this.#name} cannot be started`);
    stdin.on("error", () => {});
    createInterface({ input: stdout }).on("line", (line) => this.#answer?.resolve(line));
    createInterface({ input: stderr }).on("line", (line) => {
      if (line.trim() !== "") this.#lastWords = line.trim();
    });
    const end = (why: string) => {
      this.#end = this.#lastWords || why;
      this.#answer?.reject(new Error(this.#end));
    };
    this.#child.once("error", (error) => end(error.message));
    this.#child.once("close", (code, signal) => end(`it ended with ${signal ?? `code ${code}`}`));
  }

  async #stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const gone = once(this.#child, "exit");
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It has just ended by itself.
    }
    await gone;
  }
}
