/** DELETE /v1/functions/{name}. Invocations already queued still run; the bundle is swept later. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { functionName } from "../../contract/index.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { problemResponse } from "../middleware/problem.ts";
import type { FunctionRegistry } from "../registry/function-registry.ts";

const route = createRoute({
  method: "delete",
  path: "/v1/functions/{name}",
  tags: ["functions"],
  summary: "Delete a function",
  security: [{ bearer: [] }, { apiKey: [] }],
  request: { params: z.object({ name: functionName }) },
  responses: { 204: { description: "The function is gone" }, ...problemResponse },
});

export function deleteFunction(app: OpenAPIHono<GatewayEnv>, registry: FunctionRegistry): void {
  app.openapi(route, async (c) => {
    await registry.delete(c.req.valid("param").name);
    return c.body(null, 204);
  });
}
