/**
 * otelcol.yaml, as far as it can be judged without a collector: no registry of Debian or npm has one.
 * `npm run check:collector` asks the real one, and sends spans through it.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { observabilityFile, readYaml } from "../support/project-file.ts";

const components = z.record(z.string(), z.unknown());
const pipeline = z.strictObject({
  receivers: z.array(z.string()).min(1),
  processors: z.array(z.string()),
  exporters: z.array(z.string()).min(1),
});
const config = z.strictObject({
  receivers: components,
  processors: components,
  exporters: components,
  extensions: components,
  service: z.strictObject({
    extensions: z.array(z.string()),
    telemetry: z.looseObject({}),
    pipelines: z.record(z.string().regex(/^(traces|metrics|logs)(\/\w+)?$/), pipeline),
  }),
});
const file = observabilityFile("collector/otelcol.yaml");
const { service, ...defined } = config.parse(readYaml(file));
const builder = z
  .record(z.string(), z.unknown())
  .parse(readYaml(observabilityFile("collector/builder.yaml")));

const KINDS = ["receivers", "processors", "exporters"] as const;

test("pipelines name components that are defined, and each that is defined is named", () => {
  for (const kind of KINDS) {
    const named = new Set(Object.values(service.pipelines).flatMap((pipeline) => pipeline[kind]));
    expect([...named].sort()).toEqual(Object.keys(defined[kind]).sort());
  }
  expect(service.extensions).toEqual(Object.keys(defined.extensions));
});

test("each pipeline refuses before memory runs out, and sends in batches at last", () => {
  expect(Object.keys(service.pipelines)).toEqual(["traces", "metrics"]);
  for (const { processors } of Object.values(service.pipelines)) {
    expect(processors[0]).toBe("memory_limiter");
    expect(processors.at(-1)).toBe("batch");
  }
});

test("the collector that check:collector builds has every part", () => {
  for (const kind of [...KINDS, "extensions"] as const) {
    const modules = z.array(z.object({ gomod: z.string() })).parse(builder[kind]);
    for (const name of Object.keys(defined[kind])) {
      const part = name.replaceAll("_", "");
      expect(
        modules.some(({ gomod }) => gomod.includes(`/${part}`)),
        name,
      ).toBe(true);
    }
    expect(modules).toHaveLength(Object.keys(defined[kind]).length);
  }
});

test("errors and slow traces are kept always, the rest by a percentage", () => {
  const { policies } = z
    .looseObject({ policies: z.array(z.looseObject({ type: z.string() })) })
    .parse(defined.processors.tail_sampling);
  expect(policies.map(({ type }) => type)).toEqual(["status_code", "latency", "probabilistic"]);
});

test("every variable has a default, and those that an operator sets are explained at the top", () => {
  const text = readFileSync(file, "utf8");
  const used = [...text.matchAll(/\$\{env:(\w+)(:-)?/g)];
  expect(used.length).toBeGreaterThan(5);
  for (const [, name = "", fallback] of used) {
    expect(fallback, name).toBe(":-");
    expect(text).toMatch(new RegExp(`^#   ${name} `, "m"));
  }
});

test("nothing listens on more than this machine's own addresses", () => {
  const listening = [...readFileSync(file, "utf8").matchAll(/^\s+endpoint: \$\{env:\w+:-([^}]+)\}/gm)];
  expect(listening.length).toBeGreaterThan(2);
  for (const [, address] of listening) expect(address).toMatch(/^(http:\/\/)?127\.0\.0\.1:\d+$/);
});
