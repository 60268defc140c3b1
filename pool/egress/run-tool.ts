/** Runs `ip` or a script of ours with text on its stdin, without blocking. Used by this folder only. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { MayflyError } from "../../contract/index.ts";

/** Debian puts them where only root's PATH looks. nft -i would keep a history of its lines in HOME. */
export const TOOL_ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", HOME: "/dev/null" };

export const notInstalled = (program: string, cause: unknown) =>
  new MayflyError("HOST_UNSUITABLE", {
    message: `Functions may not reach the network without ${program}: install the packages iproute2 and nftables`,
    cause,
  });

/** Resolves to its stdout. Errors: HOST_UNSUITABLE when it is not installed, EGRESS_FAILED with its own message. */
export async function runTool(command: string[], input = ""): Promise<string> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env: TOOL_ENVIRONMENT, cwd: "/", stdio: "pipe" });
  const failed = (message: string) =>
    new MayflyError("EGRESS_FAILED", { message: `Cannot run ${command.slice(0, 3).join(" ")}: ${message}` });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", (cause: NodeJS.ErrnoException) => {
      reject(cause.code === "ENOENT" ? notInstalled(program, cause) : failed(cause.message));
    });
  });
  /* A tool that ends without reading everything has said why on stderr. */
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0) throw failed(stderr.trim().split("\n").slice(0, 3).join("; ") || `it ended with ${code}`);
  return stdout;
}
