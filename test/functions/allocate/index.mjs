/** Takes memory without end, and touches it. Buffers, so that the cgroup's limit is met and not V8's. */
export const handler = async () => {
  const kept = [];
  for (;;) kept.push(Buffer.alloc(4 << 20, 1));
};
