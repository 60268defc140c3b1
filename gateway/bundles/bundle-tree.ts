/**
 * The bundle as it will be unpacked: every path once, every parent a real directory. Filled by judge-entries.ts,
 * read by pack-bundle.ts and handler-file.ts.
 *
 * Names that differ only in case are two names: that is how Linux, where bundles are unpacked and run, sees them,
 * and real npm packages contain such pairs. Names that are equal after Unicode NFC are one name.
 */
import { LIMITS } from "../../contract/index.ts";
import { refuseEntry } from "./refuse-entry.ts";

export type TreeNode =
  | { type: "directory" }
  | { type: "file"; content: Buffer; executable: boolean }
  | { type: "symlink"; target: string };

/** As the kernel counts (path_resolution(7)): more links than this in one walk are a loop. */
const LINKS_FOLLOWED = 40;

export class BundleTree {
  readonly nodes = new Map<string, TreeNode>();

  /** `name` is the archive's spelling, for errors. */
  add(path: string, node: TreeNode, name: string): void {
    const existing = this.nodes.get(path);
    if (existing?.type === "directory" && node.type === "directory") return;
    if (existing) throw refuseEntry(name, `has the same path as a ${existing.type} before it`);

    this.#addParents(path, name);
    this.nodes.set(path, node);
    if (this.nodes.size > LIMITS.bundleEntries)
      throw refuseEntry(
        name,
        `is one more than the limit of ${LIMITS.bundleEntries} entries`,
        "BUNDLE_TOO_LARGE",
      );
  }

  /** Upwards, so that the walk ends at the first folder that is known already. */
  #addParents(path: string, name: string): void {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      const existing = this.nodes.get(parent);
      if (existing?.type === "directory") return;
      if (existing) throw refuseEntry(name, `lies below a ${existing.type}`);
      this.nodes.set(parent, { type: "directory" });
    }
  }

  /**
   * Where the symlink at `path` leads when other links of the bundle are followed too, which a look at the
   * target's text alone cannot tell: with `d/up -> ..`, the target `d/up/..` is above the root.
   * A link to a path that does not exist leads to that path.
   */
  follow(path: string): { path: string } | "outside" | "loop" {
    const node = this.nodes.get(path);
    if (node?.type !== "symlink") return { path };
    const at = path.split("/").slice(0, -1);
    const todo = node.target.split("/").reverse();
    let links = 1;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (at.pop() === undefined) return "outside";
        continue;
      }
      at.push(part);
      const here = this.nodes.get(at.join("/"));
      if (here?.type !== "symlink") continue;
      links += 1;
      if (links > LINKS_FOLLOWED) return "loop";
      at.pop();
      todo.push(...here.target.split("/").reverse());
    }
    return { path: at.join("/") };
  }
}
