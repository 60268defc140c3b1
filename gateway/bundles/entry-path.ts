/** From an entry's name in the archive to its path in the bundle. Used by judge-entries.ts only. */
import { LIMITS } from "../../contract/index.ts";
import { refuseEntry } from "./refuse-entry.ts";

const WINDOWS_ABSOLUTE = /^[A-Za-z]:\//;

/**
 * The path as contract/packed-bundle.ts wants it, or "" for the bundle's root, which tar names "./".
 * Names that would need cleaning up (`a//b`, `a/./b`) are refused rather than guessed at: no ordinary tool
 * writes them. Only a leading "./" and a directory's trailing "/" are taken off.
 */
export function entryPath(name: string, isDirectory: boolean): string {
  if (name === "") throw refuseEntry(name, "has no name");
  if (name.includes("\0")) throw refuseEntry(name, "has a NUL character in its name");
  if (name.includes("\\")) throw refuseEntry(name, 'has a backslash in its name; separate folders by "/"');
  if (name.includes("\ufffd")) throw refuseEntry(name, "has a name that is not UTF-8");
  if (name.startsWith("/") || WINDOWS_ABSOLUTE.test(name)) throw refuseEntry(name, "has an absolute path");

  let path = name.normalize("NFC");
  while (path.startsWith("./")) path = path.slice(2);
  if (isDirectory && path.endsWith("/")) path = path.slice(0, -1);
  if (isDirectory && (path === "" || path === ".")) return "";

  if (Buffer.byteLength(path) > LIMITS.pathBytes)
    throw refuseEntry(name, `has a path longer than ${LIMITS.pathBytes} bytes`);
  for (const part of path.split("/")) {
    if (part === "..") throw refuseEntry(name, 'has ".." in its path');
    if (part === "" || part === ".") throw refuseEntry(name, `has an empty or "." part in its path`);
    if (Buffer.byteLength(part) > LIMITS.pathNameBytes)
      throw refuseEntry(name, `has a name longer than ${LIMITS.pathNameBytes} bytes in its path`);
  }
  return path;
}
