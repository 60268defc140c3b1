/** GET /v1/functions/{name}. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { functionName } from "../../contract/index.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { problemResponse } from "../middleware/problem.ts";
import { functionView } from "../registry/function-record.ts";
import type { FunctionRegistry } from "../registry/function-registry.ts";

const route = createRoute({
  method: "get",
  path: "/v1/functions/{name}",
  tags: ["functions"],
  summary: "Describe a function",
  security: [{ bearer: [] }, { apiKey: [] }],
  request: { params: z.object({ name: functionName }) },
  responses: {
    200: {
      description: "The function",
      content: { "application/json": { schema: functionView } },
    },
    ...problemResponse,
  },
});

export function getFunction(app: OpenAPIHono<GatewayEnv>, registry: FunctionRegistry): void {
  app.openapi(route, async (c) => c.json(await registry.get(c.req.valid("param").name), 200));
}
