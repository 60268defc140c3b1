/** The documents name files, tests and settings; what they name must exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const PROJECT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENTS = [
  "README.md",
  "ARCHITECTURE.md",
  "SECURITY.md",
  "SPECIFICATION.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "native/README.md",
  ...readdirSync(join(PROJECT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const withoutFences = (text: string) => text.replace(/^```.*?^```/gms, "");
const read = (path: string) => readFileSync(join(PROJECT, path), "utf8");

/** GitHub's rule for the anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

const anchorsIn = (path: string) =>
  [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => anchorOf(title));

/** Every `[text](target)` that does not leave the repository. */
function linksOf(document: string): string[] {
  const found = [...withoutFences(read(document)).matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, target = ""]) => target,
  );
  return found.filter((target) => !/^[a-z]+:/.test(target));
}

/** Words of code spans that look like a file of ours: `pool/sandbox.ts`. */
function filesNamedBy(document: string): string[] {
  const spans = [...withoutFences(read(document)).matchAll(/`([^`]+)`/g)].flatMap(([, span = ""]) =>
    span.split(/\s+/),
  );
  return spans.filter((word) => /^[a-z][\w.-]*(\/[\w.-]+)+\.(ts|cjs|mjs|c|h|def|sh|md|json)$/.test(word));
}

function linkFault(document: string, target: string): string | undefined {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(PROJECT, file))) return `${target}: there is no ${file}`;
  if (anchor !== undefined && !anchorsIn(file).includes(anchor))
    return `${target}: no heading has this anchor`;
  return undefined;
}

describe("the documents", () => {
  it("are looked at, and have links and file names", () => {
    expect(DOCUMENTS.length).toBeGreaterThan(10);
    expect(DOCUMENTS.flatMap(linksOf).length).toBeGreaterThan(50);
    expect(DOCUMENTS.flatMap(filesNamedBy).length).toBeGreaterThan(0);
  });

  it.each(DOCUMENTS)("%s links only to what exists", (document) => {
    expect(
      linksOf(document)
        .map((target) => linkFault(document, target))
        .filter(Boolean),
    ).toEqual([]);
  });

  it.each(DOCUMENTS)("%s names only files that exist", (document) => {
    const folders = [PROJECT, resolve(PROJECT, dirname(document))];
    const missing = filesNamedBy(document).filter(
      (name) => !folders.some((folder) => existsSync(join(folder, name))),
    );
    expect(missing).toEqual([]);
  });

  it("SECURITY.md quotes titles of tests that exist", () => {
    const quotes = [...read("SECURITY.md").matchAll(/\]\(([^)]+)\)(?: “([^”]+)”| `(\w+)`)/g)];
    expect(quotes.length).toBeGreaterThan(15);
    const missing = quotes.filter(([, file = "", title, test]) => !read(file).includes(title ?? test ?? ""));
    expect(missing.map(([quote]) => quote)).toEqual([]);
  });

  it("README.md lists every limit, verdict and setting", async () => {
    const { LIMITS, VERDICT_NAMES, functionLimits } = await import("../contract/index.ts");
    const readme = read("README.md");
    for (const verdict of VERDICT_NAMES) expect(readme).toMatch(new RegExp(`^\\| \`${verdict}\` +\\|`, "m"));
    const number = (value: number) => value.toLocaleString("en-US");
    const defaults: Record<string, number | undefined> = functionLimits.parse({});
    for (const key of Object.keys(functionLimits.shape)) {
      const [min, max] = [
        LIMITS[`${key}Min` as keyof typeof LIMITS],
        LIMITS[`${key}Max` as keyof typeof LIMITS],
      ];
      const shown = [defaults[key], min, max].map((value) => (value === undefined ? "none" : number(value)));
      const numbers = shown.join(" *\\| ");
      expect(readme).toMatch(new RegExp(`^\\| \`${key}\` *\\|.* \\| ${numbers} *\\|$`, "m"));
    }
    const settings = [
      "gateway/settings.ts",
      "worker/settings.ts",
      "cli/start/start-settings.ts",
      "cli/api-client.ts",
    ];
    const variables = new Set(
      settings.flatMap((file) => [...read(file).matchAll(/\bMAYFLY_[A-Z_]*[A-Z]\b/g)].flat()),
    );
    expect(variables.size).toBeGreaterThan(10);
    for (const variable of variables) expect(readme).toContain(`\`${variable}\``);
  });

  it("observing.md lists every metric", () => {
    const files = [
      "gateway/gateway-metrics.ts",
      "worker/worker-metrics.ts",
      "pool/pool-metrics.ts",
      "telemetry/observe-process.ts",
    ];
    const names = files.flatMap((file) =>
      [...read(file).matchAll(/"((?:http|faas|mayfly|nodejs|v8js|process)\.[\w.]+)",? ?\n?/g)].map(
        ([, name = ""]) => name,
      ),
    );
    const attributes = [
      "faas.name",
      "mayfly.verdict",
      "mayfly.state",
      "mayfly.runtime",
      "mayfly.network",
      "mayfly.resource",
    ];
    const metrics = [...new Set(names)].filter((name) => !attributes.includes(name));
    expect(metrics.length).toBeGreaterThan(30);
    const guide = read("docs/guides/observing.md");
    for (const metric of metrics) expect(guide).toContain(`\`${metric}\``);
  });
});
