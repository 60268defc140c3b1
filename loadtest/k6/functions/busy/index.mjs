/** Keeps a CPU busy for so many milliseconds: the neighbour of `noisy-neighbour`. */
export const handler = ({ ms }) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return { ms };
};
