/**
 * The form in which the gateway stores a bundle and the worker takes it. The gateway, unprivileged, parses and
 * judges the stranger's archive; the privileged worker reads only this form, which leaves nothing to interpret:
 *
 *   0           4            4+M
 *   | M (u32le) | manifest   | contents of the files, one after the other, in the manifest's order |
 *
 * The manifest is JSON, its entries sorted by path, without times or owners: the same files give the same bytes,
 * whether they came as zip or as tar.gz, and the bundle's digest is the SHA-256 of all these bytes.
 */
import { z } from "zod";
import { LIMITS } from "./limits.ts";

/** Relative, `/`-separated, in Unicode NFC, no empty, `.` or `..` part, no NUL, no backslash. */
export const bundlePath = z
  .string()
  .min(1)
  .refine((path) => Buffer.byteLength(path) <= LIMITS.pathBytes, "is too long")
  .refine(
    (path) =>
      !path.includes("\0") &&
      !path.includes("\\") &&
      path
        .split("/")
        .every(
          (part) =>
            part !== "" && part !== "." && part !== ".." && Buffer.byteLength(part) <= LIMITS.pathNameBytes,
        ),
    "is not a plain relative path",
  );

export const bundleEntry = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("directory"), path: bundlePath }),
  z.strictObject({
    type: z.literal("file"),
    path: bundlePath,
    size: z.number().int().min(0).max(LIMITS.unpackedBytes),
    executable: z.boolean(),
  }),
  /** `target` is relative and, followed from the link's folder, stays inside the bundle. */
  z.strictObject({
    type: z.literal("symlink"),
    path: bundlePath,
    target: z.string().min(1).max(LIMITS.pathBytes),
  }),
]);
export type BundleEntry = z.output<typeof bundleEntry>;

export const bundleManifest = z.strictObject({
  format: z.literal("mayfly-bundle-1"),
  entries: z.array(bundleEntry).max(LIMITS.bundleEntries),
});
export type BundleManifest = z.output<typeof bundleManifest>;

/** Does a symlink at `path` that points to `target` stay inside the bundle's root? */
export function linkStaysInside(path: string, target: string): boolean {
  if (target.startsWith("/") || target.includes("\0")) return false;
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return false;
  }
  return true;
}
