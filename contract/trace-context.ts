/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/) as it travels from the caller through the job to the function,
 * so that spans of all of them are one trace. It is passed on also where nothing is traced.
 */
import { z } from "zod";

/** Limits of the specification: section 3.2, and 3.3.1.5 for tracestate. */
export const traceContext = z.strictObject({
  traceparent: z.string().regex(/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/),
  tracestate: z.string().max(512).exactOptional(),
});
export type TraceContext = z.output<typeof traceContext>;
