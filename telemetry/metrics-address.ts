/** Where a process shows its metrics: the settings of gateway and worker read it from their environment. */
import { z } from "zod";

export interface MetricsAddress {
  host: string;
  port: number;
}

/** Not reachable from outside: metrics name functions. */
export const metricsHost = z.string().min(1).default("127.0.0.1");

/** A port, 0 for one that the kernel chooses, or `off`, which becomes null. */
export const metricsPort = z
  .string()
  .regex(/^(off|\d{1,5})$/, "must be a port, or off")
  .transform((text) => (text === "off" ? null : Number(text)))
  .refine((port) => port === null || port <= 65_535, "must be at most 65535");

export const metricsAddress = (host: string, port: number | null): MetricsAddress | undefined =>
  port === null ? undefined : { host, port };
