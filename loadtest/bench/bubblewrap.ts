/** bubblewrap with all its namespaces, as a contender's command. For noop.ts and hello.ts. */

/** `task`: mounted read-only at /var/task. */
export function bubblewrap(root: string, args: string[], task?: string): string[] {
  const mounts = ["--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"];
  const tasks = task === undefined ? [] : ["--ro-bind", task, "/var/task"];
  return ["bwrap", "--unshare-all", ...mounts, ...tasks, "--die-with-parent", ...args];
}
