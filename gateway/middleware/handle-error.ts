/** Turns whatever a route throws into a problem, and logs our own faults once. */
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { ERROR_CODES, type ErrorCode, MayflyError } from "../../contract/index.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { type Problem, sendProblem } from "./problem.ts";

export function handleError(logger: Logger): ErrorHandler<GatewayEnv> {
  return (error, c) => {
    // Hono's own refusals, such as a path that cannot be decoded: the caller's fault, its message is harmless.
    if (error instanceof HTTPException && error.status < 500)
      return sendProblem(c, "REQUEST_INVALID", error.message || ERROR_CODES.REQUEST_INVALID.sentence);

    const known = error instanceof MayflyError ? error : new MayflyError("INTERNAL", { cause: error });
    const isOurs = known.httpStatus >= 500;
    if (isOurs) {
      const facts = { err: known, code: known.code, requestId: c.get("requestId"), route: c.req.routePath };
      if (known.code === "INTERNAL") logger.error(facts, "A request failed");
      else logger.warn(facts, "A request failed");
    }
    // Inner text of our faults stays inside.
    const invocation = invocationMembers(c, known.code);
    if (known.code === "INTERNAL")
      return sendProblem(c, "INTERNAL", ERROR_CODES.INTERNAL.sentence, invocation);

    const { errors, ...details } = known.details;
    return sendProblem(c, known.code, known.message, {
      ...invocation,
      ...(Array.isArray(errors) && { errors: errors as NonNullable<Problem["errors"]> }),
      ...(Object.keys(details).length > 0 && { details }),
    });
  };
}

/** Of an invocation that failed before it was queued. */
function invocationMembers(c: Context<GatewayEnv>, code: ErrorCode): Partial<Problem> {
  const invocationId: string | undefined = c.get("invocationId");
  if (invocationId === undefined) return {};
  if (ERROR_CODES[code].httpStatus !== 429) return { invocationId };
  c.set("verdict", "throttled");
  return { invocationId, verdict: "throttled" };
}
