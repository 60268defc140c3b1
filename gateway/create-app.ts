/** The gateway's HTTP interface, from parts that main.ts (or a test) has built. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { requestId } from "hono/request-id";
import type { Logger } from "../telemetry/logger.ts";
import type { BundlePacker } from "./bundles/bundle-packer.ts";
import type { BundleStore } from "./bundles/bundle-store.ts";
import type { GatewayEnv } from "./gateway-env.ts";
import { handleError } from "./middleware/handle-error.ts";
import { invalidRequest } from "./middleware/invalid-request.ts";
import { sendProblem } from "./middleware/problem.ts";
import { requireApiKey } from "./middleware/require-api-key.ts";
import { traceRequest } from "./middleware/trace-request.ts";
import type { Invoker } from "./queue/invoker.ts";
import type { FunctionRegistry } from "./registry/function-registry.ts";
import type { LayerRegistry } from "./registry/layer-registry.ts";
import { deleteFunction } from "./routes/delete-function.ts";
import { deployFunction } from "./routes/deploy-function.ts";
import { getFunction } from "./routes/get-function.ts";
import { healthRoutes } from "./routes/health.ts";
import { invokeFunction } from "./routes/invoke-function.ts";
import { layerRoutes } from "./routes/layers.ts";
import { listFunctions } from "./routes/list-functions.ts";

export interface AppParts {
  apiKey: string;
  packer: BundlePacker;
  store: BundleStore;
  registry: FunctionRegistry;
  layers: LayerRegistry;
  invoker: Invoker;
  workerCount: () => Promise<number>;
  isStopping: () => boolean;
  logger: Logger;
}

export function createApp(parts: AppParts): OpenAPIHono<GatewayEnv> {
  const { registry } = parts;
  const app = new OpenAPIHono<GatewayEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.target, result.error);
    },
  });
  app.onError(handleError(parts.logger));
  app.notFound((c) =>
    sendProblem(c, "ROUTE_UNKNOWN", "There is nothing at this address for this method; see /openapi.json"),
  );
  app.use(traceRequest);
  app.use(requestId());
  app.use("/v1/*", requireApiKey(parts.apiKey));

  deployFunction(app, parts);
  listFunctions(app, registry);
  getFunction(app, registry);
  deleteFunction(app, registry);
  invokeFunction(app, parts);
  layerRoutes(app, parts);
  healthRoutes(app, parts);
  serveOpenApi(app);
  return app;
}

/** Last, when all routes are known; made once, since anyone may ask for it. */
function serveOpenApi(app: OpenAPIHono<GatewayEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-Api-Key",
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Mayfly",
      version: "1",
      description: "Deploy functions and invoke them, each time in a sandbox that is used once.",
    },
  });
  app.get("/openapi.json", (c) => c.json(document));
}
