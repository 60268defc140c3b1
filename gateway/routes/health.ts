/** GET /healthz and /readyz, for probes: without a key, and telling nothing but the state. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { GatewayEnv } from "../gateway-env.ts";

/** Anyone may ask, so Redis is asked at most this often. */
const CHECK_EVERY_MS = 500;

const readiness = z
  .object({
    ready: z.boolean(),
    /** `ok`, or what is wrong. */
    checks: z.object({ gateway: z.string(), redis: z.string(), workers: z.string() }),
  })
  .openapi("Readiness");
type Readiness = z.output<typeof readiness>;

const health = createRoute({
  method: "get",
  path: "/healthz",
  tags: ["health"],
  summary: "The process lives",
  responses: {
    200: {
      description: "It does",
      content: { "application/json": { schema: z.object({ status: z.literal("ok") }) } },
    },
  },
});

const content = { "application/json": { schema: readiness } };
const ready = createRoute({
  method: "get",
  path: "/readyz",
  tags: ["health"],
  summary: "Invocations can be served",
  responses: {
    200: { description: "They can", content },
    503: { description: "They cannot; the checks say why", content },
  },
});

export function healthRoutes(
  app: OpenAPIHono<GatewayEnv>,
  parts: { workerCount: () => Promise<number>; isStopping: () => boolean },
): void {
  let checked: { at: number; result: Promise<Readiness["checks"]> } | undefined;
  const check = (): Promise<Readiness["checks"]> => {
    if (!checked || performance.now() - checked.at > CHECK_EVERY_MS)
      checked = { at: performance.now(), result: checkWorkers(parts.workerCount) };
    return checked.result;
  };

  app.openapi(health, (c) => c.json({ status: "ok" as const }, 200));
  app.openapi(ready, async (c) => {
    const checks = parts.isStopping()
      ? { gateway: "is shutting down", redis: "not checked", workers: "not checked" }
      : await check();
    const isReady = Object.values(checks).every((state) => state === "ok");
    return c.json({ ready: isReady, checks }, isReady ? 200 : 503);
  });
}

async function checkWorkers(workerCount: () => Promise<number>): Promise<Readiness["checks"]> {
  try {
    const count = await workerCount();
    return { gateway: "ok", redis: "ok", workers: count > 0 ? "ok" : "no worker consumes the queue" };
  } catch {
    return { gateway: "ok", redis: "does not answer", workers: "not checked" };
  }
}
