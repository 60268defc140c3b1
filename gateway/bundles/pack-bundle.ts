/** From a judged tree to the packed form of contract/packed-bundle.ts. The same tree always gives the same bytes. */
import { createHash } from "node:crypto";
import { type BundleEntry, type BundleManifest, bundleManifest } from "../../contract/index.ts";
import type { BundleTree, TreeNode } from "./bundle-tree.ts";

export interface PackedBundle {
  /** SHA-256 of all parts one after the other, lowercase hex. */
  digest: string;
  bytes: number;
  /** Kept apart, because joining them would hold a large bundle in memory twice. */
  parts: Buffer[];
}

export function packBundle(tree: BundleTree): PackedBundle {
  // By bytes: JavaScript compares UTF-16 units, which order characters beyond U+FFFF differently.
  const sorted = [...tree.nodes]
    .map(([path, node]) => ({ path, node, key: Buffer.from(path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key));

  const manifest: BundleManifest = {
    format: "mayfly-bundle-1",
    entries: sorted.map(({ path, node }) => toEntry(path, node)),
  };
  // The worker checks the same schema; a fault here is ours and must not be stored.
  const header = Buffer.from(JSON.stringify(bundleManifest.parse(manifest)));
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(header.length);

  const parts: Buffer[] = [prefix, header];
  for (const { node } of sorted) if (node.type === "file") parts.push(node.content);

  const hash = createHash("sha256");
  let bytes = 0;
  for (const part of parts) {
    hash.update(part);
    bytes += part.length;
  }
  return { digest: hash.digest("hex"), bytes, parts };
}

function toEntry(path: string, node: TreeNode): BundleEntry {
  switch (node.type) {
    case "directory":
      return { type: "directory", path };
    case "symlink":
      return { type: "symlink", path, target: node.target };
    case "file":
      return { type: "file", path, size: node.content.length, executable: node.executable };
  }
}
