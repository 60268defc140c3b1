/**
 * What each worker says in Redis every few seconds: that it lives, and how many invocations it runs at a time. The
 * gateway sends out as many as all of them together can use (gateway/queue/worker-capacity.ts).
 */
import { z } from "zod";

/** The Redis hash of announcements: worker's id, new at each start → announcement as JSON. */
export const WORKER_ANNOUNCEMENTS = "mayfly:workers";

export const workerAnnouncement = z.object({
  concurrency: z.number().int().min(1).max(100_000),
  /** Unix time in milliseconds after which it is of a worker that died. */
  untilMs: z.number().int().positive(),
});
export type WorkerAnnouncement = z.output<typeof workerAnnouncement>;

/** How often it is made, and how long each is good for: four may be late. */
export const ANNOUNCE = { everyMs: 2_000, ttlMs: 10_000 } as const;
