/** Finds the handler's file at deployment, so that a wrong name fails there and not at the first invocation. */
import { MayflyError } from "../../contract/index.ts";
import type { BundleTree } from "./bundle-tree.ts";

/** In the order in which the nodejs runtime looks for them. */
const EXTENSIONS = [".js", ".mjs", ".cjs"];

/** `handler` as in functionConfig, such as `dir/index.handler`. Errors: HANDLER_FILE_MISSING. */
export function handlerFile(tree: BundleTree, handler: string): string {
  const module = handler
    .slice(0, handler.lastIndexOf("."))
    .replace(/^(\.\/)+/, "")
    .normalize("NFC");
  const candidates = EXTENSIONS.map((extension) => module + extension);
  const found = candidates.find((path) => {
    const end = tree.follow(path);
    return typeof end === "object" && tree.nodes.get(end.path)?.type === "file";
  });
  if (found !== undefined) return found;
  throw new MayflyError("HANDLER_FILE_MISSING", {
    message: `Cannot accept the bundle for handler "${handler}": it has none of ${candidates.join(", ")} at these paths, counted from the archive's root`,
    details: { handler, lookedFor: candidates },
  });
}
