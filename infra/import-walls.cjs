/**
 * Which folder may import which, checked by check-import-walls.ts. Requests read in one direction:
 * gateway → [Redis] → worker → pool → native. `contract` and `telemetry` are leaves that everybody may import.
 * (CommonJS, because dependency-cruiser's command loads it so.)
 */
const tests = "\\.(test|itest|vmtest|obstest|fixture)\\.ts$|/fake-[^/]+\\.ts$|-contract\\.ts$";

/** Files below `from` may import files of ours only below `allowed`. */
const wall = (from, allowed) => ({
  name: `${from}-imports-only-${allowed.join("-and-") || "itself"}`,
  severity: "error",
  from: { path: `^${from}/`, pathNot: tests },
  to: {
    path: "^(contract|telemetry|gateway|worker|pool|native|runtimes|cli|infra|test|loadtest|examples)/",
    pathNot: `^(${[from, ...allowed].join("|")})/`,
  },
});

const onlyFrom = (module, folders) => ({
  name: `${module}-only-in-${folders.join("-and-").replaceAll("/", "-")}`,
  severity: "error",
  from: { pathNot: [`^(${folders.join("|")})`, tests] },
  to: { path: `^node_modules/${module}/` },
});

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    /* k6's modules are within k6. */
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "^k6/" } },
    wall("contract", []),
    wall("telemetry", ["contract"]),
    wall("gateway", ["contract", "telemetry"]),
    wall("worker", ["contract", "telemetry", "pool"]),
    wall("pool", ["contract", "telemetry", "native/ts", "runtimes"]),
    wall("native", ["contract"]),
    wall("runtimes", ["contract", "native/ts"]),
    wall("cli", ["contract", "telemetry", "infra", "native/ts"]),
    wall("infra", ["contract"]),
    /* It measures each part by its own interface; the gateway only over HTTP. */
    wall("loadtest", [
      "contract",
      "telemetry",
      "worker",
      "pool",
      "native/ts",
      "runtimes",
      "cli",
      "infra",
      "test/support",
    ]),
    {
      name: "gateway-and-worker-never-meet",
      severity: "error",
      from: { path: "^(gateway|worker)/" },
      to: { path: "^(gateway|worker)/", pathNot: "^$1/" },
    },
    onlyFrom("koffi", ["native/ts/"]),
    onlyFrom("bullmq", ["gateway/queue/", "worker/consume\\.ts$"]),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(build|\\.mayfly)/|^(examples|test/functions)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
