/** `mayfly delete <name>`. */
import { parseArgs } from "node:util";
import { MayflyError } from "../../contract/index.ts";
import { CLIENT_OPTIONS, createClient } from "../api-client.ts";

export async function deleteCommand(words: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: words, allowPositionals: true, options: CLIENT_OPTIONS });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) {
    throw new MayflyError("COMMAND_FAILED", { message: "Say which function: mayfly delete <name>" });
  }
  const client = await createClient(values);
  await client.send("DELETE", `/v1/functions/${encodeURIComponent(name)}`);
  console.log(`${name}: deleted`);
  return 0;
}
