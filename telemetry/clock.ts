/**
 * Unix time in milliseconds with microseconds behind the point, for spans and for times that two processes compare.
 * Date.now() is whole milliseconds, and performance.now() does not follow a clock that is corrected; this is the second,
 * kept within the millisecond that the first says.
 */
let offsetMs = performance.timeOrigin;

export function unixMs(): number {
  const monotonicMs = performance.now();
  const wholeMs = Date.now();
  const earliest = wholeMs - monotonicMs;
  if (offsetMs < earliest) offsetMs = earliest;
  else if (offsetMs > earliest + 1) offsetMs = earliest + 1;
  return offsetMs + monotonicMs;
}
