/**
 * Builds the collector that otelcol.yaml needs, by OpenTelemetry's own builder, from builder.yaml. Needs Go; the first
 * time it takes minutes, then nothing while builder.yaml stays as it is. For check-collector.ts.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
/** Git ignores it. */
const BUILD = join(FOLDER, "build");
const BINARY = join(BUILD, "sources", "otelcol-mayfly");
const GO_PLACES = ["go", "/usr/local/go/bin/go"];

/** The path of the collector. Throws with a sentence when Go is not there or the build fails. */
export function buildCollector(): string {
  const wanted = readFileSync(join(FOLDER, "builder.yaml"), "utf8");
  const stamp = join(BUILD, "built-from.yaml");
  if (existsSync(BINARY) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return BINARY;

  const go = GO_PLACES.find((command) => spawnSync(command, ["version"]).status === 0);
  if (!go)
    throw new Error(
      "Building the collector needs Go 1.25 or newer (https://go.dev/dl), in PATH or in /usr/local/go; or let otelcol-contrib validate otelcol.yaml",
    );
  const [, version] = /^ {2}version: "(.+)"$/m.exec(wanted) ?? [];
  mkdirSync(BUILD, { recursive: true });
  console.log(`building the collector ${version}, which takes some minutes the first time`);
  const env = { ...process.env, GOBIN: BUILD, PATH: `${process.env.PATH}:/usr/local/go/bin` };
  const run = (command: string, words: string[]) =>
    execFileSync(command, words, { cwd: FOLDER, env, stdio: ["ignore", "ignore", "inherit"] });
  run(go, ["install", `go.opentelemetry.io/collector/cmd/builder@v${version}`]);
  run(join(BUILD, "builder"), ["--config", "builder.yaml"]);
  writeFileSync(stamp, wanted);
  return BINARY;
}
