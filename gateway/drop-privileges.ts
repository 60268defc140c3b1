/** Gives up root for good. Called once by main.ts, after what needs root and before the first request is read. */
import { MayflyError } from "../contract/index.ts";

/**
 * Groups first: afterwards the process may not change them any more (credentials(7)). glibc changes the ids of
 * all threads. Errors: SETTINGS_INVALID.
 */
export function dropPrivileges(owner: { uid: number; gid: number }): void {
  const { uid, gid } = owner;
  if (process.getuid?.() === uid && process.getgid?.() === gid) return;
  try {
    process.setgroups?.([]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (cause) {
    throw new MayflyError("SETTINGS_INVALID", {
      message: `Cannot become user ${uid} and group ${gid}: start the gateway as root, or unset MAYFLY_UID and MAYFLY_GID`,
      cause,
    });
  }
}
