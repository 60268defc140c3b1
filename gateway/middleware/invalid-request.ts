/** From zod's faults to a REQUEST_INVALID problem that lists them all. */
import type { ZodError } from "zod";
import { MayflyError } from "../../contract/index.ts";

/** `part` says where the value came from, such as `configuration`. Values are not repeated: they may be secrets. */
export function invalidRequest(part: string, error: Pick<ZodError, "issues">): MayflyError {
  const errors = error.issues.map((issue) => ({
    path: [part, ...issue.path.map(String)].join("."),
    message: issue.message,
  }));
  const first = errors[0];
  return new MayflyError("REQUEST_INVALID", {
    message: `The request does not have the expected form: ${first?.path}: ${first?.message}${errors.length > 1 ? `, and ${errors.length - 1} more` : ""}`,
    details: { errors },
  });
}
