/** Lets only requests with the API key pass: `Authorization: Bearer <key>` or `X-Api-Key: <key>`. */
import { createHash, timingSafeEqual } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { MayflyError } from "../../contract/index.ts";
import type { GatewayEnv } from "../gateway-env.ts";

/** Digests have one length, so that the comparison tells nothing about the key's. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

export function requireApiKey(key: string) {
  const expected = digest(key);
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const bearer = /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
    const given = bearer ?? c.req.header("X-Api-Key");
    if (!given)
      throw new MayflyError("API_KEY_MISSING", {
        message: 'The request has no API key: send "Authorization: Bearer <key>" or "X-Api-Key: <key>"',
      });
    if (!timingSafeEqual(digest(given), expected)) throw new MayflyError("API_KEY_WRONG");
    await next();
  });
}
