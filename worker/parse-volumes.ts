/**
 * MAYFLY_VOLUMES: the folders of this machine that functions may mount, as `name=/folder:ro` or `name=/folder:rw`,
 * separated by commas. settings.ts calls it; nothing else decides what of the host a sandbox can see.
 */
import { statSync } from "node:fs";
import { volumeName } from "../contract/index.ts";

export interface Volume {
  folder: string;
  readOnly: boolean;
}

/** An absolute path without empty, `.` or `..` parts; the whole file system is no volume. */
const FOLDER = /^(\/(?!\.{1,2}(\/|$))[^/]+)+$/;

/** Every fault of the text is one sentence; `volumes` is empty then. */
export function parseVolumes(text: string): { volumes: Map<string, Volume>; faults: string[] } {
  const volumes = new Map<string, Volume>();
  const faults: string[] = [];
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const fault = addVolume(volumes, part);
    if (fault !== undefined) faults.push(`"${part}" ${fault}`);
  }
  return faults.length === 0 ? { volumes, faults } : { volumes: new Map(), faults };
}

function addVolume(volumes: Map<string, Volume>, part: string): string | undefined {
  const [, name, folder, mode] = /^([^=]*)=(.*):([^:]*)$/.exec(part) ?? [];
  if (name === undefined || folder === undefined) return "must look like models=/srv/models:ro";
  if (!volumeName.safeParse(name).success)
    return "must begin with a name of 1 to 64 of a-z, 0-9, - and _, starting with a letter or a digit";
  if (mode !== "ro" && mode !== "rw") return "must end with :ro or :rw";
  if (!FOLDER.test(folder)) return "must name a folder by its absolute path, without . and .., and not /";
  if (volumes.has(name)) return "has the name of a volume before it";
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    return "names a folder that does not exist";
  volumes.set(name, { folder, readOnly: mode === "ro" });
  return undefined;
}
