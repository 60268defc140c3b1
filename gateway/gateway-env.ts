/** What middleware puts beside a request, for Hono's types. */
import type { InvocationTimings, Verdict } from "../contract/index.ts";

export interface GatewayEnv {
  Variables: {
    /** The caller's X-Request-Id, or a new one; in every answer and in the log of a failed request. */
    requestId: string;
    /** Of POST …/invocations only. */
    invocationId: string;
    timings: InvocationTimings;
    /** Once it has ended, or was refused. */
    verdict: Verdict;
  };
}
