/** Finds and loads `file.export` in the bundle: CommonJS, ES modules, with or without top-level await. */
import { existsSync, realpathSync } from "node:fs";
import Module from "node:module";
import { pathToFileURL } from "node:url";

export type Handler = (event: unknown, context: unknown) => unknown;

/** In Lambda's order. */
const EXTENSIONS = [".js", ".mjs", ".cjs"];

export class HandlerError extends Error {
  override name = "HandlerError";
}

/** What require() itself uses, and pirates and ts-node with it; of @types/node only a part. */
interface LoadableModule {
  exports: Record<string, unknown>;
  load(file: string): void;
}
const { _cache: cache } = Module as unknown as { _cache: Record<string, LoadableModule> };
const LoadableModule = Module as unknown as new (id: string, parent: unknown) => LoadableModule;

/** Whose child the handler's module is: to programs that look at module.parent, they are not run but required. */
const runner = new Module("/var/runtime/runner");

/**
 * require() of a file whose place is known: it loads ES modules too, needs no turn of the event loop, and half its time
 * would go into finding the file.
 */
async function loadModule(file: string): Promise<Record<string, unknown>> {
  const path = realpathSync.native(file);
  const module = new LoadableModule(path, runner);
  cache[path] = module;
  try {
    module.load(path);
    return module.exports;
  } catch (error) {
    delete cache[path];
    if ((error as NodeJS.ErrnoException).code !== "ERR_REQUIRE_ASYNC_MODULE") throw error;
    return import(pathToFileURL(path).href);
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
