/** Deploys one folder: its mayfly.json is the configuration, all of it the bundle. `deploy` and `start` call it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MayflyError } from "../contract/index.ts";
import type { ApiClient } from "./api-client.ts";
import { packFolder } from "./pack-folder.ts";

/** Resolves to whether the function is new. Errors: COMMAND_FAILED. */
export async function deployFolder(
  client: ApiClient,
  folder: string,
  name: string,
): Promise<{ isNew: boolean }> {
  const form = new FormData();
  form.set("configuration", await readConfiguration(folder));
  form.set("bundle", new Blob([Uint8Array.from(await packFolder(folder))]), "bundle.tar.gz");
  const response = await client.send("PUT", `/v1/functions/${encodeURIComponent(name)}`, form);
  await response.body?.cancel();
  return { isNew: response.status === 201 };
}

/** The gateway judges its content; here it only has to be JSON, so that the file's name is in the message. */
async function readConfiguration(folder: string): Promise<string> {
  const file = join(folder, "mayfly.json");
  try {
    const text = await readFile(file, "utf8");
    JSON.parse(text);
    return text;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const cure =
      code === "ENOENT" ? 'there is none; make one, at least {"handler": "index.handler"}' : message;
    throw new MayflyError("COMMAND_FAILED", {
      message: `Cannot read the configuration ${file}: ${cure}`,
      cause,
    });
  }
}
