/** `mayfly list`: one function a line, sorted by name. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { CLIENT_OPTIONS, createClient } from "../api-client.ts";

/** What the gateway tells of each; more than this is its business. */
const page = z.object({
  functions: z.array(z.object({ name: z.string(), runtime: z.string(), handler: z.string() })),
  next: z.string().optional(),
});

export async function listCommand(words: string[]): Promise<number> {
  const { values } = parseArgs({ args: words, options: CLIENT_OPTIONS });
  const client = await createClient(values);
  let after = "";
  do {
    const response = await client.send("GET", `/v1/functions?limit=1000${after}`);
    const { functions, next } = page.parse(await response.json());
    for (const { name, runtime, handler } of functions)
      console.log(`${name.padEnd(32)} ${runtime}  ${handler}`);
    after = next === undefined ? "" : `&after=${encodeURIComponent(next)}`;
  } while (after !== "");
  return 0;
}
