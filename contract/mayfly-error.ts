/** The one error class: a code of error-codes.ts, a message for people, and facts for logs. */
import { ERROR_CODES, type ErrorCode } from "./error-codes.ts";

interface MayflyErrorOptions {
  /** Names the action, then the state: `Cannot lease a sandbox for "thumb": pool is at its limit of 32`. */
  message?: string;
  cause?: unknown;
  /** Facts beside the message, safe to log and to show: no secrets. */
  details?: Record<string, unknown>;
}

export class MayflyError extends Error {
  override readonly name = "MayflyError";
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, options: MayflyErrorOptions = {}) {
    super(options.message ?? ERROR_CODES[code].sentence, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].httpStatus;
  }
}
