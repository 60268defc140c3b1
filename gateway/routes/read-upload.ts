/** The multipart form of an upload, for functions and layers: an archive and, for functions, a configuration. */
import { LIMITS, MayflyError } from "../../contract/index.ts";
import { invalidRequest } from "../middleware/invalid-request.ts";
import { limitBody } from "../middleware/limit-body.ts";
import { limitConcurrency } from "../middleware/limit-concurrency.ts";

/** For the configuration and the multipart headers. */
const FORM_SLACK_BYTES = 64 * 1024;
/** Uploads in memory at a time; each takes about twice LIMITS.archiveBytes at its peak. */
const UPLOADS_AT_ONCE = 4;

/** For every route that takes one. */
export const uploadMiddleware = [
  limitConcurrency(UPLOADS_AT_ONCE),
  limitBody(LIMITS.archiveBytes + FORM_SLACK_BYTES),
];

/** A fault of one field, as problem+json shows it. */
const faultOf = (path: string, message: string): MayflyError =>
  invalidRequest("form", { issues: [{ code: "custom", path: [path], message, input: undefined }] });

/** `fields`: those that the form may have beside `bundle`. Errors: REQUEST_INVALID. */
export async function readUpload(
  request: Request,
  fields: string[],
): Promise<{ bundle: File; form: FormData }> {
  const form = await request.formData().catch((cause: unknown) => {
    throw new MayflyError("REQUEST_INVALID", {
      message: "The request's body is not multipart/form-data",
      cause,
    });
  });
  const known = ["bundle", ...fields];
  for (const key of form.keys())
    if (!known.includes(key)) throw faultOf(key.slice(0, 64), `is not a field; send ${known.join(" and ")}`);
  const bundle = form.get("bundle");
  if (!(bundle instanceof File))
    throw faultOf("bundle", "must be a file, as curl sends with -F bundle=@file.zip");
  return { bundle, form };
}

/** A field of JSON text, also as a file, as curl sends with -F configuration=@file.json; `{}` when it is not there. */
export async function readJsonField(form: FormData, field: string): Promise<unknown> {
  const value = form.get(field) ?? "{}";
  const text = typeof value === "string" ? value : await value.text();
  try {
    return JSON.parse(text);
  } catch {
    throw faultOf(field, "is not valid JSON");
  }
}

/** An upload's form, for OpenAPI. Plain JSON Schema and no zod: hono's validator would read the form a second time. */
export const uploadSchema = (more: Record<string, { $ref: string }> = {}) => ({
  type: "object" as const,
  required: ["bundle"],
  properties: {
    bundle: { type: "string" as const, format: "binary", description: "A zip or tar.gz archive" },
    ...more,
  },
});
