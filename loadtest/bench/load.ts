/** What sustained.ts tells load-generator.ts, and what that says of it. */
import { z } from "zod";

export const load = z.object({
  target: z.object({ port: z.number(), path: z.string(), key: z.string(), body: z.string() }),
  answer: z.string(),
  inFlight: z.number().int().positive(),
  /** Not counted: what was parked before must be used up. */
  warmUpSeconds: z.number().nonnegative(),
  seconds: z.number().positive(),
});
export type Load = z.output<typeof load>;

/** Of the seconds that count. `cpuMs` is the generator's own. */
export const loadCount = z.object({
  answered: z.number(),
  errors: z.number(),
  seconds: z.number(),
  cpuMs: z.number(),
});
export type LoadCount = z.output<typeof loadCount>;

/** The line that it prints before the seconds that count. */
export const COUNTING = "counting";
