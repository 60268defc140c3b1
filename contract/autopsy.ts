/** What a function was doing when its time was up: read from its frozen sandbox by pool/autopsy.ts. */
import { z } from "zod";

export const autopsy = z.object({
  processes: z.array(
    z.object({
      /** As the sandbox numbers it; 3 is the process that got the event. */
      pid: z.number().int(),
      name: z.string(),
      /** proc_pid_stat(5): R runs, S sleeps, D waits for the disk, T is stopped, Z is dead. */
      state: z.string(),
      threads: z.number().int(),
      /** CPU time until then, milliseconds. */
      cpuMs: z.number(),
      /** The kernel function in which it waits. */
      wchan: z.string().optional(),
      /** The system call in which it waits: its name, or its number where we know none. */
      syscall: z.string().optional(),
    }),
  ),
  /** More processes than are listed. */
  omitted: z.number().int().optional(),
  /** The JavaScript that ran in process 3, innermost first; absent while none ran. */
  stack: z.array(z.string()).optional(),
});
export type Autopsy = z.output<typeof autopsy>;
