/**
 * Every error code, one row each. A code is stable: people match on it. Its meaning, cause and cure stand in
 * docs/errors.md; error-codes.test.ts compares the two both ways.
 */
interface ErrorCodeRow {
  readonly component: "gateway" | "worker" | "pool" | "native" | "cli";
  /** The HTTP status where the error reaches a caller. */
  readonly httpStatus: number;
  /** May the caller send the same request again unchanged and hope? */
  readonly retryable: boolean;
  readonly sentence: string;
}

const row = (
  component: ErrorCodeRow["component"],
  httpStatus: number,
  retryable: boolean,
  sentence: string,
): ErrorCodeRow => ({ component, httpStatus, retryable, sentence });

export const ERROR_CODES = {
  // gateway: what a caller sent
  API_KEY_MISSING: row("gateway", 401, false, "The request has no API key"),
  API_KEY_WRONG: row("gateway", 401, false, "The API key is not the right one"),
  ROUTE_UNKNOWN: row("gateway", 404, false, "There is nothing at this address"),
  REQUEST_INVALID: row("gateway", 400, false, "The request does not have the expected form"),
  REQUEST_TOO_LARGE: row("gateway", 413, false, "The request's body is larger than the limit"),
  EVENT_NOT_JSON: row("gateway", 400, false, "The event is not valid JSON"),
  FUNCTION_UNKNOWN: row("gateway", 404, false, "No function has this name"),
  BUNDLE_FORMAT_UNKNOWN: row("gateway", 415, false, "The bundle is neither a zip nor a tar.gz archive"),
  BUNDLE_CORRUPT: row("gateway", 400, false, "The bundle's archive cannot be read to its end"),
  BUNDLE_ENTRY_REFUSED: row("gateway", 422, false, "The bundle has an entry that is not allowed"),
  BUNDLE_TOO_LARGE: row("gateway", 413, false, "The bundle is larger than the limit"),
  LAYER_NOT_FOUND: row("gateway", 404, false, "No layer has this name"),
  LAYER_UNKNOWN: row("gateway", 422, false, "The function names a layer that does not exist"),
  HANDLER_FILE_MISSING: row("gateway", 422, false, "The bundle has no file for the handler"),
  INVOCATION_FAILED: row("gateway", 502, false, "The invocation did not succeed; see its verdict"),
  CONCURRENCY_LIMIT: row("gateway", 429, true, "The function has as many invocations under way as it may"),
  QUEUE_SHARE_FULL: row("gateway", 429, true, "The function has its share of the queue waiting already"),
  QUEUE_FULL: row("gateway", 429, true, "Too many invocations are waiting"),
  QUEUE_UNAVAILABLE: row("gateway", 503, true, "The queue cannot be reached"),
  INTERNAL: row("gateway", 500, true, "Mayfly failed"),

  // worker and pool
  JOB_INVALID: row("worker", 500, false, "A job on the queue does not have the expected form"),
  BUNDLE_UNAVAILABLE: row("worker", 500, true, "The worker cannot get the function's bundle"),
  BUNDLE_DIGEST_MISMATCH: row("worker", 500, false, "A stored bundle does not have its digest"),
  VOLUME_UNKNOWN: row("worker", 500, false, "The function mounts a volume that the worker does not have"),
  RUNTIME_UNAVAILABLE: row("pool", 503, true, "No worker offers the function's runtime"),
  EGRESS_UNAVAILABLE: row("pool", 503, false, "The worker gives no function a way out to the network"),
  EGRESS_FAILED: row("pool", 500, true, "A sandbox's way out to the network could not be made or removed"),
  FUNCTION_INIT_FAILED: row(
    "pool",
    502,
    false,
    "The function's code could not be loaded ahead of an invocation",
  ),
  LEASE_TIMEOUT: row("pool", 503, true, "No sandbox became ready in time"),
  POOL_CLOSED: row("pool", 503, true, "The worker is shutting down"),
  SANDBOX_STATE: row("pool", 500, false, "A sandbox was used in a state that does not allow it"),

  // native
  SANDBOX_SPAWN_FAILED: row("native", 500, true, "A sandbox could not be created"),
  SANDBOX_MOUNT_FAILED: row("native", 500, true, "A bundle could not be mounted into a sandbox"),
  ZYGOTE_FAILED: row("native", 500, true, "A runtime's zygote could not be started or ended"),
  CGROUP_FAILED: row("native", 500, true, "A control group could not be used"),
  HOST_UNSUITABLE: row("native", 500, false, "This machine lacks something that Mayfly needs"),

  // settings and command line
  SETTINGS_INVALID: row("cli", 500, false, "The settings are not valid"),
  COMMAND_FAILED: row("cli", 500, false, "The command could not be carried out"),
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;
