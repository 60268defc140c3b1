/**
 * Refuses a body that is too large: by its Content-Length before a byte is read, without one as soon as too many
 * bytes have come.
 */
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { MayflyError } from "../../contract/index.ts";
import type { GatewayEnv } from "../gateway-env.ts";

export function limitBody(maxBytes: number): MiddlewareHandler<GatewayEnv> {
  const refuse = (): never => {
    throw new MayflyError("REQUEST_TOO_LARGE", {
      message: `The request's body is larger than the limit of ${maxBytes} bytes`,
      details: { maxBytes },
    });
  };
  const countWhileReading = bodyLimit({ maxSize: maxBytes, onError: refuse });
  return async (c, next) => {
    // Node's parser reads exactly Content-Length bytes, and refuses a request that has both headers. Hono's
    // middleware knows that too but touches the body before, which costs a web stream for each request.
    const length = c.req.header("Content-Length");
    if (length === undefined || c.req.header("Transfer-Encoding") !== undefined)
      return countWhileReading(c, next);
    if (Number(length) > maxBytes) refuse();
    return next();
  };
}
