/** Files of infra/observability and the repository, by name. For its tests. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** The absolute path of a file of the repository. */
export const projectFile = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The absolute path of a file of infra/observability. */
export const observabilityFile = (path: string) => projectFile(`infra/observability/${path}`);

/** Throws on YAML that does not parse, a key twice included. */
export const readYaml = (path: string): unknown => parse(readFileSync(path, "utf8"));
