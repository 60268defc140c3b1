/** Every answer that is not a success: application/problem+json, RFC 9457. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import {
  ERROR_CODES,
  type ErrorCode,
  type InvocationReply,
  invocationReply,
  VERDICT_NAMES,
  VERDICTS,
} from "../../contract/index.ts";
import type { GatewayEnv } from "../gateway-env.ts";

const MEDIA_TYPE = "application/problem+json";
/** What a throttled caller is told to wait. Queues drain within a second or are in trouble for longer. */
const RETRY_AFTER_S = "1";

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: "urn:mayfly:error:FUNCTION_UNKNOWN" }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    /** Stable; programs decide by it. */
    code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    /** With REQUEST_INVALID: what is wrong where. */
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    /** Facts, such as the bundle's `entry` that was refused. */
    details: z.record(z.string(), z.unknown()).optional(),
    verdict: z.enum(VERDICT_NAMES).optional(),
    invocationId: z.uuid().optional(),
    fault: invocationReply.shape.fault,
    logTail: z.string().optional(),
  })
  .openapi("Problem");
export type Problem = z.output<typeof problemSchema>;

/** The part of an OpenAPI route's `responses` that all routes share. */
export const problemResponse = {
  default: { description: "A problem", content: { [MEDIA_TYPE]: { schema: problemSchema } } },
} as const;

export function sendProblem(
  c: Context<GatewayEnv>,
  code: ErrorCode,
  detail: string,
  more: Partial<Problem> = {},
): Response {
  const { httpStatus, sentence } = ERROR_CODES[code];
  const problem: Problem = {
    type: `urn:mayfly:error:${code}`,
    title: sentence,
    status: httpStatus,
    detail,
    code,
    requestId: c.get("requestId"),
    ...more,
  };
  if (problem.status === 401) c.header("WWW-Authenticate", 'Bearer realm="mayfly"');
  if (problem.status === 429) c.header("Retry-After", RETRY_AFTER_S);
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, {
    "Content-Type": MEDIA_TYPE,
  });
}

/** For an invocation that ended with any verdict but `ok`. */
export function sendVerdict(c: Context<GatewayEnv>, reply: InvocationReply): Response {
  const { verdict, invocationId, fault, logTail } = reply;
  const { httpStatus, title } = VERDICTS[verdict];
  return sendProblem(c, "INVOCATION_FAILED", fault ? `${fault.type}: ${fault.message}` : title, {
    title,
    status: httpStatus,
    verdict,
    invocationId,
    ...(fault && { fault }),
    ...(logTail !== undefined && { logTail }),
  });
}
