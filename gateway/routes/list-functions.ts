/** GET /v1/functions: pages of functions, sorted by name. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { functionName } from "../../contract/index.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { problemResponse } from "../middleware/problem.ts";
import { functionView } from "../registry/function-record.ts";
import type { FunctionRegistry } from "../registry/function-registry.ts";

const functionList = z
  .object({
    functions: z.array(functionView),
    /** The value of `after` for the next page; absent on the last. */
    next: functionName.optional(),
  })
  .openapi("FunctionList");

const route = createRoute({
  method: "get",
  path: "/v1/functions",
  tags: ["functions"],
  summary: "List functions, sorted by name",
  security: [{ bearer: [] }, { apiKey: [] }],
  request: {
    query: z.object({
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      after: functionName.optional(),
    }),
  },
  responses: {
    200: { description: "A page", content: { "application/json": { schema: functionList } } },
    ...problemResponse,
  },
});

export function listFunctions(app: OpenAPIHono<GatewayEnv>, registry: FunctionRegistry): void {
  app.openapi(route, async (c) => {
    const { limit, after } = c.req.valid("query");
    return c.json(await registry.list(limit, after), 200);
  });
}
