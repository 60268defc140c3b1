/**
 * Compiled code on its way out of the sandbox that made it: Node.js's compile cache, a folder of files named by hashes, as
 * the body of an `initialized` frame. Each file is a length and a name, then a length and its bytes; lengths are 32-bit
 * little-endian (runtimes/node/guest/compiled-code.ts writes it). What comes in is a stranger's.
 */
import { MayflyError } from "./mayfly-error.ts";

export interface CodeFile {
  /** "v24.21.0-x64-0ed0f946-1000/5fa4e60a". */
  name: string;
  bytes: Buffer;
}

/** One folder, one file, no dots at the beginning: it cannot lead anywhere else. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,99}\/[0-9a-f]{1,16}$/;
const LENGTH_BYTES = 4;

/** Errors: FUNCTION_INIT_FAILED when it is not what a runner sends. */
export function decodeCodeFiles(body: Buffer): CodeFile[] {
  const files: CodeFile[] = [];
  for (let at = 0; at < body.length; ) {
    const name = sized(body, at);
    at += LENGTH_BYTES + name.length;
    const bytes = sized(body, at);
    at += LENGTH_BYTES + bytes.length;
    if (!NAME.test(name.toString("latin1"))) throw broken("a name leads elsewhere");
    files.push({ name: name.toString("latin1"), bytes });
  }
  return files;
}

function sized(body: Buffer, at: number): Buffer {
  const start = at + LENGTH_BYTES;
  if (start > body.length) throw broken("it ends in a length");
  const end = start + body.readUInt32LE(at);
  if (end > body.length) throw broken("it ends early");
  return body.subarray(start, end);
}

const broken = (why: string) =>
  new MayflyError("FUNCTION_INIT_FAILED", { message: `Cannot take compiled code: ${why}` });
