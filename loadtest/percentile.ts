/** The value below which `share` (0 to 1) of the sorted numbers lie; 0 of none. */
export const percentile = (sorted: number[], share: number): number =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
