/**
 * What OpenTelemetry says of itself, above all that a collector cannot be reached, goes to our log: one line a minute at
 * most, since it comes with every batch. start-telemetry.ts calls it. Spans that cannot be sent are dropped.
 */
import { type DiagLogFunction, DiagLogLevel, diag } from "@opentelemetry/api";
import type { Logger } from "./logger.ts";

const QUIET_MS = 60_000;
const CHARACTERS = 300;

export function listenForDiagnostics(logger: Logger): void {
  let silentUntil = 0;
  let unsaid = 0;
  const say: DiagLogFunction = (message) => {
    const now = performance.now();
    if (now < silentUntil) {
      unsaid += 1;
      return;
    }
    silentUntil = now + QUIET_MS;
    logger.warn({ reason: reasonOf(message), unsaid }, "telemetry cannot be sent; what waits is dropped");
    unsaid = 0;
  };
  const ignore = () => {};
  diag.setLogger(
    { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** The SDK hands errors over as JSON with a stack; the sentence is enough. */
function reasonOf(message: string): string {
  try {
    const { name, message: sentence, code } = JSON.parse(message);
    return [name, code, sentence].filter(Boolean).join(" ").slice(0, CHARACTERS);
  } catch {
    return message.slice(0, CHARACTERS);
  }
}
