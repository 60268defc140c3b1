/** Whatever a function threw, as the strings that the worker accepts (contract/guest-frames.ts). Never throws. */
const MAX_TEXT = 8_192;
const MAX_LINES = 64;

export interface ErrorDescription {
  type: string;
  message: string;
  stack?: string[];
}

const clip = (text: string) => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

export function describeError(thrown: unknown): ErrorDescription {
  try {
    if (!(thrown instanceof Error)) return { type: typeof thrown, message: clip(String(thrown)) };
    const lines = typeof thrown.stack === "string" ? thrown.stack.split("\n") : [];
    const frames = lines.filter((line) => line.startsWith("    at ") && !line.includes("/var/runtime/"));
    return {
      type: clip(String(thrown.name || thrown.constructor?.name || "Error")),
      message: clip(String(thrown.message)),
      stack: frames.slice(0, MAX_LINES).map((line) => clip(line.trim())),
    };
  } catch {
    return { type: "Error", message: "The function threw something that cannot be described" };
  }
}
