/** The k6 that runs the tests: K6, or one on the machine, or one built here where Go is. main.ts calls it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is built, and what the scripts are typed for. Others of the same major version do. */
export const K6_VERSION = "1.8.1";
const BUILD = fileURLToPath(new URL("build", import.meta.url));
const BUILD_TIMEOUT_MS = 900_000;

export interface K6 {
  path: string;
  version: string;
}

/** Errors: what to do to get it. */
export function findK6(env: NodeJS.ProcessEnv, say: (text: string) => void): K6 {
  const onPath = (program: string) =>
    (env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  const places = env.K6
    ? [env.K6]
    : [
        ...onPath("k6"),
        join(env.GOBIN || join(env.GOPATH || join(homedir(), "go"), "bin"), "k6"),
        join(BUILD, "k6"),
      ];
  for (const path of places.filter((place) => existsSync(place))) {
    const version = versionOf(path);
    if (version?.split(".")[0] === K6_VERSION.split(".")[0]) return { path, version: version ?? "" };
    say(`${path} is k6 ${version ?? "of no version it tells"}, and ${K6_VERSION} is needed`);
  }
  if (env.K6) throw new Error(`K6 (${env.K6}) is no k6 of version ${K6_VERSION.split(".")[0]}`);
  const go = [...onPath("go"), "/usr/local/go/bin/go"].find((place) => existsSync(place));
  if (go === undefined)
    throw new Error(
      `k6 is not installed: get version ${K6_VERSION} from your package manager ` +
        "(https://grafana.com/docs/k6/latest/set-up/install-k6/), or name it by K6=/path/to/k6",
    );
  say(`building k6 ${K6_VERSION} with Go; this is done once and takes some minutes`);
  const { status, stderr } = spawnSync(go, ["install", `go.k6.io/k6@v${K6_VERSION}`], {
    env: { ...env, GOBIN: BUILD },
    encoding: "utf8",
    timeout: BUILD_TIMEOUT_MS,
  });
  const path = join(BUILD, "k6");
  const version = status === 0 ? versionOf(path) : undefined;
  if (version === undefined)
    throw new Error(`k6 could not be built: ${stderr.trim().split("\n").at(-1) ?? "go ended early"}`);
  return { path, version };
}

function versionOf(path: string): string | undefined {
  const { stdout } = spawnSync(path, ["version"], { encoding: "utf8", timeout: 10_000 });
  return /\bv(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
}
