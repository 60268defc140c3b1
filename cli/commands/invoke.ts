/** `mayfly invoke <name>`: the answer goes to stdout as it came, so that it can be piped on. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { MayflyError } from "../../contract/index.ts";
import { CLIENT_OPTIONS, createClient } from "../api-client.ts";

export async function invokeCommand(words: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { ...CLIENT_OPTIONS, data: { type: "string", default: "{}" } },
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) {
    throw new MayflyError("COMMAND_FAILED", {
      message: "Say which function: mayfly invoke <name> [--data <json>]",
    });
  }
  const event = values.data.startsWith("@") ? await readEvent(values.data.slice(1)) : values.data;
  const client = await createClient(values);
  const response = await client.send("POST", `/v1/functions/${encodeURIComponent(name)}/invocations`, event);
  console.log(await response.text());
  return 0;
}

async function readEvent(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const message = `Cannot read the event from ${file}: ${(cause as NodeJS.ErrnoException).code}`;
    throw new MayflyError("COMMAND_FAILED", { message, cause });
  }
}
