/**
 * Completes package-lock.json after `npm install` from a registry that does not carry every platform's packages:
 * `node infra/complete-lock.ts`. npm leaves an optional package out of the lock file when it cannot be fetched, and
 * then `npm ci` refuses the file. Each gets an entry with version, system and processor, as far as its name tells;
 * Mayfly runs on none of these platforms, so that none is ever fetched.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockedPackage {
  version?: string;
  cpu?: string[];
  dev?: boolean;
  libc?: string[];
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
  os?: string[];
}

const NAME = /-(android|darwin|freebsd|linux|openbsd|openharmony|win32|windows)-([a-z0-9]+)(?:-([a-z]+))?$/;
/** Words of names that npm has others for. */
const SYNONYMS: Record<string, string> = { windows: "win32", "64": "x64" };
const known = (word: string | undefined) => (word === undefined ? undefined : (SYNONYMS[word] ?? word));

function entryFor(name: string, version: string, dev: boolean): LockedPackage {
  const [, system, processor, abi] = NAME.exec(name) ?? [];
  const [os, cpu] = [known(system), known(processor)];
  if (!os || !cpu) throw new Error(`${name} is missing, and its name does not tell its platform`);
  return {
    version,
    cpu: [cpu],
    ...(dev && { dev }),
    ...(abi === "musl" && { libc: ["musl"] }),
    optional: true,
    os: [os],
  };
}

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8")) as { packages: Record<string, LockedPackage> };
for (const { optionalDependencies = {}, dev = false } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    lock.packages[`node_modules/${name}`] ??= entryFor(name, version, dev);
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
