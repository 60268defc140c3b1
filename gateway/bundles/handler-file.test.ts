import { describe, expect, it } from "vitest";
import { BundleTree } from "./bundle-tree.ts";
import { handlerFile } from "./handler-file.ts";

function treeOf(...paths: string[]): BundleTree {
  const tree = new BundleTree();
  for (const path of paths)
    tree.add(path, { type: "file", content: Buffer.alloc(0), executable: false }, path);
  return tree;
}

describe("handlerFile()", () => {
  it.each([
    { handler: "index.handler", path: "index.js" },
    { handler: "index.handler", path: "index.mjs" },
    { handler: "dir/app.main", path: "dir/app.cjs" },
    { handler: "my.module.run", path: "my.module.js" },
    { handler: "./index.handler", path: "index.js" },
  ])("finds $path for $handler", ({ handler, path }) => {
    expect(handlerFile(treeOf(path), handler)).toBe(path);
  });

  it("follows a symlink to the handler's file", () => {
    const tree = treeOf("dist/main.js");
    tree.add("index.js", { type: "symlink", target: "dist/main.js" }, "index.js");
    expect(handlerFile(tree, "index.handler")).toBe("index.js");
  });

  it("names every file that it looked for when there is none", () => {
    const tree = treeOf("src/index.js");
    tree.add("index.js", { type: "symlink", target: "src" }, "index.js");
    expect(() => handlerFile(tree, "index.handler")).toThrow(
      expect.objectContaining({
        code: "HANDLER_FILE_MISSING",
        message: expect.stringContaining("index.js, index.mjs, index.cjs"),
        details: { handler: "index.handler", lookedFor: ["index.js", "index.mjs", "index.cjs"] },
      }),
    );
  });
});
