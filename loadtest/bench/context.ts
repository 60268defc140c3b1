/** What main.ts gives to every suite. */
import type { Programs } from "./programs.ts";
import type { Scope } from "./scope.ts";
import type { BenchService } from "./service.ts";

export interface Bench {
  /** Small counts: the whole run ends within 45 seconds. */
  quick: boolean;
  /** How many invocations of soak.ts, when somebody said. */
  soak: number | undefined;
  /** Progress, for people, on stderr. */
  say(text: string): void;
  /** A folder that everybody may enter, removed at the end. */
  scratch: string;
  programs: Programs;
  /** Closed after the suite. */
  scope: Scope;
  /** The start of the names of cgroups, containers and services that a suite makes. */
  instance: string;
  /** `mayfly start`, shared by the suites that speak HTTP; launched when first asked for. */
  service(): Promise<BenchService>;
  /** For suites that want the machine for themselves. */
  stopService(): Promise<void>;
}

/** `quick` or `full`, whichever the run is. */
export function sized<F, Q>(bench: Bench, full: F, quick: Q): F | Q {
  return bench.quick ? quick : full;
}
