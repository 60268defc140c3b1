/** workerd, from npm, with hello/ as its only service; its isolate is kept from request to request. For http.ts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Bench } from "./context.ts";
import { HELLO_FOLDER } from "./lease-to-answer.ts";
import type { Scope } from "./scope.ts";

const CONFIGURATION = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "hello", worker = (
    modules = [
      (name = "workerd.mjs", esModule = embed "workerd.mjs"),
      (name = "index.mjs", esModule = embed "index.mjs"),
    ],
    compatibilityDate = "2026-10-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "hello")],
);
`;
/** npm installs the program for this processor beside the package that names it. */
const PROGRAM = `../../node_modules/@cloudflare/workerd-linux-${process.arch === "arm64" ? "arm64" : "64"}/bin/workerd`;
const READY_TIMEOUT_MS = 15_000;

/** Resolves to its port; killed with the scope. */
export async function startWorkerd(bench: Bench, scope: Scope): Promise<number> {
  const program = fileURLToPath(new URL(PROGRAM, import.meta.url));
  if (!existsSync(program)) throw new Error("not installed");
  const folder = join(bench.scratch, "workerd");
  await mkdir(folder);
  await cp(HELLO_FOLDER, folder, { recursive: true });
  await writeFile(join(folder, "config.capnp"), CONFIGURATION);
  const child = spawn(program, ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    detached: true,
    env: {},
  });
  const exited = once(child, "exit");
  await scope.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  let lastWords = "it ended";
  createInterface({ input: child.stderr as Readable }).on("line", (line) => {
    lastWords = line;
  });
  const port = Promise.withResolvers<number>();
  exited.then(
    () => port.reject(new Error(lastWords)),
    (error) => port.reject(error),
  );
  createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
    const message = JSON.parse(line);
    if (message.event === "listen") port.resolve(message.port);
  });
  const timer = setTimeout(() => port.reject(new Error("it did not listen")), READY_TIMEOUT_MS);
  return await port.promise.finally(() => clearTimeout(timer));
}
