/** Finds and loads `file.export` in the bundle: CommonJS, ES modules, with or without top-level await. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

export type Handler = (event: unknown, context: unknown) => unknown;

/** In Lambda's order. */
const EXTENSIONS = [".js", ".mjs", ".cjs"];

export class HandlerError extends Error {
  override name = "HandlerError";
}

async function loadModule(file: string): Promise<Record<string, unknown>> {
  try {
    /* require() loads ES modules too and needs no turn of the event loop. */
    return createRequire(file)(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_REQUIRE_ASYNC_MODULE") throw error;
    return import(pathToFileURL(file).href);
  }
}

/** `root`: the bundle's folder. Rejects with a HandlerError, or with what the module threw. */
export async function loadHandler(root: string, handler: string): Promise<{ file: string; call: Handler }> {
  const dot = handler.lastIndexOf(".");
  const [path, name] = [handler.slice(0, dot), handler.slice(dot + 1)];
  const file = EXTENSIONS.map((extension) => `${root}/${path}${extension}`).find((one) => existsSync(one));
  if (file === undefined) {
    throw new HandlerError(`The bundle has no file ${path} with one of the endings ${EXTENSIONS.join(", ")}`);
  }
  const module = await loadModule(file);
  const found = module[name] ?? (module.default as Record<string, unknown> | undefined)?.[name];
  if (typeof found !== "function") {
    throw new HandlerError(`${file.slice(root.length + 1)} does not export a function named "${name}"`);
  }
  return { file, call: found as Handler };
}
