/** Starts processes without end, each of which lives on; fails when the kernel refuses one more. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export const handler = async () => {
  const children = [];
  for (;;) {
    // A shell that waits for a line: one process, one thread, and its stdin stays open as long as we live.
    const child = spawn("/bin/sh", ["-c", "read line"], { stdio: ["pipe", "ignore", "ignore"] });
    await once(child, "spawn");
    children.push(child);
  }
};
