/**
 * V8's compiled form of a function's code: made once in a sandbox of its own, after its modules were loaded, and read-only in
 * all others (worker/code-store.ts). Node.js reads and writes it as its compile cache (module.enableCompileCache()), and
 * checks each file against the module's source.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { enableCompileCache, flushCompileCache } from "node:module";

const READ_FROM = "/var/code";
const MAKE_IN = "/tmp/compiled-code";
const LENGTH_BYTES = 4;

/** Before the function's code is loaded. */
export function prepareCompiledCode(code: "use" | "make"): void {
  enableCompileCache(code === "use" ? READ_FROM : MAKE_IN);
}

/** After it was loaded: all of it, as contract/code-files.ts says. */
export function takeCompiledCode(): Buffer {
  flushCompileCache();
  if (!existsSync(MAKE_IN)) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  for (const folder of readdirSync(MAKE_IN))
    for (const file of readdirSync(`${MAKE_IN}/${folder}`)) {
      parts.push(...sized(Buffer.from(`${folder}/${file}`)));
      parts.push(...sized(readFileSync(`${MAKE_IN}/${folder}/${file}`)));
    }
  return Buffer.concat(parts);
}

function sized(bytes: Buffer): [Buffer, Buffer] {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(bytes.length);
  return [length, bytes];
}
