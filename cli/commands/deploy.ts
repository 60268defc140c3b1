/** `mayfly deploy <folder>`: the function is named after the folder unless --name says otherwise. */
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { MayflyError } from "../../contract/index.ts";
import { CLIENT_OPTIONS, createClient } from "../api-client.ts";
import { deployFolder } from "../deploy-folder.ts";

export async function deployCommand(words: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { ...CLIENT_OPTIONS, name: { type: "string" } },
  });
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) {
    throw new MayflyError("COMMAND_FAILED", {
      message: "Say which folder: mayfly deploy <folder> [--name <name>]",
    });
  }
  // npm runs scripts in the project's folder; people mean their own.
  const path = resolve(process.env.INIT_CWD ?? ".", folder);
  const name = values.name ?? basename(path);
  const { isNew } = await deployFolder(await createClient(values), path, name);
  console.log(`${name}: ${isNew ? "deployed" : "replaced"}`);
  return 0;
}
