/**
 * Refuses a body that is too large: by its Content-Length before a byte is read, without one as soon as too many
 * bytes have come.
 */
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { MayflyError } from "../../contract/index.ts";
import type { GatewayEnv } from "../gateway-env.ts";

export function limitBody(maxBytes: number): MiddlewareHandler<GatewayEnv> {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new MayflyError("REQUEST_TOO_LARGE", {
        message: `The request's body is larger than the limit of ${maxBytes} bytes`,
        details: { maxBytes },
      });
    },
  });
}
