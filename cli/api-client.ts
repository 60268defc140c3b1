/** Talks to the gateway on behalf of a command, and turns what goes wrong into one sentence. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ParseArgsConfig } from "node:util";
import { MayflyError } from "../contract/index.ts";
import { dataDirOf } from "./data-dir.ts";

/** The options of every command that talks to the gateway, for parseArgs. */
export const CLIENT_OPTIONS = {
  url: { type: "string" },
  "key-file": { type: "string" },
} as const satisfies ParseArgsConfig["options"];

export interface ClientOptions {
  url?: string | undefined;
  "key-file"?: string | undefined;
}

export interface ApiClient {
  url: string;
  /** Resolves to a successful response. Errors: COMMAND_FAILED with what the gateway said. */
  send(method: string, path: string, body?: string | FormData): Promise<Response>;
}

/** Options go before the environment, and that before the data folder of a Mayfly on this machine. */
export async function createClient(options: ClientOptions, env = process.env): Promise<ApiClient> {
  const url = (options.url ?? env.MAYFLY_URL ?? "http://127.0.0.1:8480").replace(/\/+$/, "");
  const key = await readKey(options, env);
  return {
    url,
    async send(method, path, body) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${key}`,
          ...(typeof body === "string" && { "Content-Type": "application/json" }),
        },
        ...(body !== undefined && { body }),
      }).catch((cause) => {
        const reason = cause.cause?.code ?? cause.message;
        throw failure(
          `Cannot reach Mayfly at ${url} (${reason}): is it started, and is the address right?`,
          cause,
        );
      });
      if (!response.ok) throw failure(await sentenceOf(response));
      return response;
    },
  };
}

async function readKey(options: ClientOptions, env: NodeJS.ProcessEnv): Promise<string> {
  if (options["key-file"] === undefined && env.MAYFLY_API_KEY) return env.MAYFLY_API_KEY;
  const file = options["key-file"] ?? join(dataDirOf(env), "api-key");
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const cure =
      code === "EACCES" ? "run it with sudo, or set MAYFLY_API_KEY" : "set MAYFLY_API_KEY or use --key-file";
    throw failure(`Cannot read the API key from ${file} (${code}): ${cure}`, cause);
  }
}

/** Errors are application/problem+json; a proxy in between may answer something else. */
async function sentenceOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { code, verdict, title, detail, invocationId } = JSON.parse(text) as Record<
      string,
      string | undefined
    >;
    const where = invocationId ? ` [invocation ${invocationId}]` : "";
    return `${verdict ?? code ?? response.status}: ${detail ?? title}${where}`;
  } catch {
    return `HTTP ${response.status}: ${text.slice(0, 200)}`;
  }
}

function failure(message: string, cause?: unknown): MayflyError {
  return new MayflyError("COMMAND_FAILED", { message, cause });
}
