/** Turns a negative result of the library, or of a process that works for us, into a MayflyError. */
import { getSystemErrorMap } from "node:util";
import { type ErrorCode, MayflyError } from "../../contract/index.ts";
import { native } from "./library.ts";

/** `EBUSY: resource busy or locked` of -16. */
export function errnoText(result: number): string {
  const [name, text] = getSystemErrorMap().get(result) ?? [`errno ${-result}`, "unknown error"];
  return `${name}: ${text}`;
}

/** `action` says what could not be done: "Cannot create the cgroup ...". `step`: of a reply, when there is one. */
export function nativeError(code: ErrorCode, action: string, result: number, step?: number): MayflyError {
  const during = step === undefined ? "" : ` while ${native.stepText(step) ?? `step ${step}`}`;
  return new MayflyError(code, {
    message: `${action}${during}: ${errnoText(result)}`,
    details: { errno: -result, ...(step === undefined ? {} : { step }) },
  });
}

/** Returns a result that is not negative. */
export function check(code: ErrorCode, action: string, result: number): number {
  if (result < 0) throw nativeError(code, action, result);
  return result;
}
