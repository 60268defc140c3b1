/**
 * How many times slower this machine is than one on which the suites' time limits were chosen: MAYFLY_TEST_SLOWNESS,
 * which infra/vm sets where qemu emulates. Limits that are not the subject of a test are multiplied by it.
 */
export const SLOWNESS: number = Number(process.env.MAYFLY_TEST_SLOWNESS ?? 1);
