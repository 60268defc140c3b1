/**
 * The thread's main module: judges, packs and writes one archive after the other. A hostile archive may cost it
 * seconds of CPU; the main thread, which answers invocations, stays free and ends this one when it takes too long
 * (bundle-packer.ts).
 */
import { parentPort } from "node:worker_threads";
import { MayflyError } from "../../contract/index.ts";
import type { PackReply, PackRequest } from "./bundle-packer.ts";
import { handlerFile } from "./handler-file.ts";
import { judgeEntries } from "./judge-entries.ts";
import { packBundle } from "./pack-bundle.ts";
import { readArchive } from "./read-archive.ts";
import { writeParts } from "./write-parts.ts";

async function pack(request: PackRequest): Promise<PackReply> {
  try {
    const archive = Buffer.from(request.archive);
    const tree = await judgeEntries(readArchive(archive), archive.length);
    if (request.handler !== undefined) handlerFile(tree, request.handler);
    const { digest, bytes, parts } = packBundle(tree);
    await writeParts(request.path, parts);
    return { ok: true, digest, bytes };
  } catch (error) {
    // Errors lose their class on the way between threads.
    if (error instanceof MayflyError)
      return { ok: false, code: error.code, message: error.message, details: error.details };
    return {
      ok: false,
      code: "INTERNAL",
      message: error instanceof Error ? String(error.stack) : String(error),
    };
  }
}

parentPort?.on("message", (request: PackRequest) => {
  void pack(request).then((reply) => parentPort?.postMessage(reply));
});

// For bundle-packer.ts: all modules are loaded.
parentPort?.postMessage("started");
