/** The gateway's settings, all from the environment. Read once, by main.ts. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { MayflyError } from "../contract/index.ts";
import {
  type MetricsAddress,
  metricsAddress,
  metricsHost,
  metricsPort,
} from "../telemetry/metrics-address.ts";

/** Shorter keys can be guessed; the one that `npm start` makes has 43 characters. */
const API_KEY_LENGTH_MIN = 16;

const wholeNumber = (max: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .refine((n) => n <= max, `must be at most ${max}`);

const environment = z
  .object({
    MAYFLY_HOST: z.string().min(1).default("127.0.0.1"),
    /** 0 lets the kernel choose a free port. */
    MAYFLY_PORT: wholeNumber(65_535).default(8480),
    /** The path of a Unix socket, or a redis:// or rediss:// URL. */
    MAYFLY_REDIS: z
      .string()
      .regex(/^(\/|rediss?:\/\/)/, "must be the path of a Unix socket or a redis:// or rediss:// URL"),
    MAYFLY_DATA_DIR: z
      .string()
      .min(1)
      .transform((path) => resolve(path)),
    MAYFLY_API_KEY_FILE: z.string().min(1),
    /** Started as root, the gateway becomes this user and group once it has its key and its port. */
    MAYFLY_UID: wholeNumber(0xffff_fffe).optional(),
    MAYFLY_GID: wholeNumber(0xffff_fffe).optional(),
    /** Where /metrics is; it asks for no key. The port may be 0 (the kernel chooses) or `off`. */
    MAYFLY_METRICS_HOST: metricsHost,
    MAYFLY_GATEWAY_METRICS_PORT: metricsPort.default(9464),
    /** Names this service in its telemetry. */
    MAYFLY_INSTANCE: z.string().default("main"),
    MAYFLY_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  })
  .refine((env) => (env.MAYFLY_UID === undefined) === (env.MAYFLY_GID === undefined), {
    path: ["MAYFLY_UID"],
    message: "must be set together with MAYFLY_GID, or neither",
  });

export interface Settings {
  host: string;
  port: number;
  redis: string;
  dataDir: string;
  apiKey: string;
  owner: { uid: number; gid: number } | undefined;
  metrics: MetricsAddress | undefined;
  instance: string;
  logLevel: string;
}

/** Errors: SETTINGS_INVALID, naming every fault at once. */
export function readSettings(variables: NodeJS.ProcessEnv): Settings {
  const parsed = environment.safeParse(variables);
  const faults = parsed.error?.issues.map((issue) => faultOf(issue, variables)) ?? [];
  const key = readApiKey(variables.MAYFLY_API_KEY_FILE);
  if (key.fault !== undefined) faults.push(key.fault);
  if (!parsed.success || key.fault !== undefined)
    throw new MayflyError("SETTINGS_INVALID", {
      message: `Cannot start the gateway: ${faults.join("; ")}`,
      details: { faults },
    });

  const env = parsed.data;
  return {
    host: env.MAYFLY_HOST,
    port: env.MAYFLY_PORT,
    redis: env.MAYFLY_REDIS,
    dataDir: env.MAYFLY_DATA_DIR,
    apiKey: key.key,
    owner:
      env.MAYFLY_UID === undefined || env.MAYFLY_GID === undefined
        ? undefined
        : { uid: env.MAYFLY_UID, gid: env.MAYFLY_GID },
    metrics: metricsAddress(env.MAYFLY_METRICS_HOST, env.MAYFLY_GATEWAY_METRICS_PORT),
    instance: env.MAYFLY_INSTANCE,
    logLevel: env.MAYFLY_LOG_LEVEL,
  };
}

function faultOf(issue: z.core.$ZodIssue, variables: NodeJS.ProcessEnv): string {
  const name = issue.path.join(".");
  return `${name} ${variables[name] === undefined && issue.code === "invalid_type" ? "is not set" : issue.message}`;
}

/** The key's file has it as its only line. A missing variable is a fault that the schema reports. */
function readApiKey(path: string | undefined): { key: string; fault?: undefined } | { fault: string } {
  if (!path) return { key: "" };
  try {
    const key = readFileSync(path, "utf8").trim();
    if (key.length >= API_KEY_LENGTH_MIN) return { key };
    return {
      fault: `MAYFLY_API_KEY_FILE (${path}) must hold a key of at least ${API_KEY_LENGTH_MIN} characters`,
    };
  } catch (error) {
    return {
      fault: `MAYFLY_API_KEY_FILE (${path}) cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    };
  }
}
