/** POST /v1/functions/{name}/invocations: an event in, the handler's JSON out. */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  functionName,
  isJson,
  LIMITS,
  MayflyError,
  type TraceContext,
  traceContext,
} from "../../contract/index.ts";
import { inSpan } from "../../telemetry/tracing.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { invalidRequest } from "../middleware/invalid-request.ts";
import { limitBody } from "../middleware/limit-body.ts";
import { problemResponse, sendVerdict } from "../middleware/problem.ts";
import { trackInvocation } from "../middleware/track-invocation.ts";
import type { Invoker } from "../queue/invoker.ts";
import type { FunctionRegistry } from "../registry/function-registry.ts";

const headers = z.object({
  "X-Mayfly-Invocation-Id": z.uuid(),
  "Server-Timing": z
    .string()
    .openapi({ example: "queue;dur=0.4, lease;dur=0.9, init;dur=2.1, run;dur=1.3, total;dur=6.2" }),
});

export function invokeFunction(
  app: OpenAPIHono<GatewayEnv>,
  parts: { registry: FunctionRegistry; invoker: Invoker },
): void {
  const { registry, invoker } = parts;
  // Registered by hand and not by app.openapi(): the event goes through as text, and so does the answer.
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/functions/{name}/invocations",
    tags: ["invocations"],
    summary: "Invoke a function and wait for its answer",
    security: [{ bearer: [] }, { apiKey: [] }],
    request: {
      params: z.object({ name: functionName }),
      body: {
        description: "The event; an empty body is the event {}",
        content: { "application/json": { schema: {} } },
      },
    },
    responses: {
      200: {
        description: "What the handler returned",
        headers,
        content: { "application/json": { schema: {} } },
      },
      ...problemResponse,
    },
  });
  app.post(
    "/v1/functions/:name/invocations",
    trackInvocation,
    limitBody(LIMITS.eventBytes),
    async (c): Promise<Response> => {
      const name = functionName.safeParse(c.req.param("name"));
      if (!name.success) throw invalidRequest("param.name", name.error);
      const [event, target] = await inSpan("receive", {}, async () => [
        await eventText(await c.req.arrayBuffer()),
        await registry.resolve(name.data),
      ]);
      const reply = await invoker.invoke(target, {
        invocationId: c.get("invocationId"),
        event,
        gone: c.req.raw.signal,
        trace: callersTrace(c),
      });
      c.set("timings", reply.timings);
      c.set("verdict", reply.verdict);
      if (reply.verdict !== "ok") return sendVerdict(c, reply);
      return c.body((reply.body as Uint8Array<ArrayBuffer> | undefined) ?? "null", 200, {
        "Content-Type": "application/json",
      });
    },
  );
}

/** Passed on where nothing is traced here. What is no trace context is as none, as the specification asks. */
function callersTrace(c: Context<GatewayEnv>): TraceContext | undefined {
  const [traceparent, tracestate] = [c.req.header("traceparent"), c.req.header("tracestate")];
  if (traceparent === undefined) return undefined;
  return traceContext.safeParse({ traceparent, ...(tracestate && { tracestate }) }).data;
}

/** The event exactly as it was sent, once it is known to be JSON (which is UTF-8 without a mark, RFC 8259). */
async function eventText(body: ArrayBuffer): Promise<string> {
  if (body.byteLength === 0) return "{}";
  const bytes = Buffer.from(body);
  if (!(await isJson(bytes))) throw new MayflyError("EVENT_NOT_JSON");
  return bytes.toString();
}
