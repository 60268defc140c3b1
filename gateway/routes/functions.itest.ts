import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { LIMITS } from "../../contract/index.ts";
import { tarGzOf, zipOf } from "../bundles/archives.fixture.ts";
import { deployment, type GatewayFixture, startGateway } from "../gateway.fixture.ts";
import { functionView } from "../registry/function-record.ts";

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.end());
beforeEach(() => gateway.redis.flushall());

const HELLO = zipOf([{ name: "index.js", content: "export const handler = () => 'hello';" }]);
const deploy = (name: string, archive = HELLO, configuration?: unknown) =>
  gateway.request("PUT", `/v1/functions/${name}`, deployment(archive, configuration));

const viewOf = async (response: Response | Promise<Response>) =>
  functionView.parse(await (await response).json());

async function problemOf(response: Response | Promise<Response>) {
  const answer = await response;
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  const problem = (await answer.json()) as Record<string, unknown>;
  expect(problem.status).toBe(answer.status);
  return problem;
}

/** As much of the description as is looked at. */
const openApi = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ security: z.unknown() }).partial())),
  components: z.object({
    schemas: z.record(z.string(), z.unknown()),
    securitySchemes: z.record(z.string(), z.unknown()),
  }),
});

describe("PUT /v1/functions/{name}", () => {
  it("makes a function with all defaults and shows it", async () => {
    const response = await deploy("hello");
    expect(response.status).toBe(201);
    const view = await viewOf(response);
    expect(view).toEqual({
      name: "hello",
      runtime: "nodejs24",
      handler: "index.handler",
      limits: { cpu: 1, memoryMb: 256, pids: 64, timeoutMs: 10_000, tmpMb: 64 },
      layers: [],
      prewarm: 0,
      weight: 1,
      volumes: [],
      writableRoot: false,
      layerDigests: [],
      environmentNames: [],
      network: "none",
      bundleDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      bundleBytes: expect.any(Number),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(await readdir(join(gateway.redisServer.folder, "bundles"))).toContain(view.bundleDigest);
    expect(await (await gateway.request("GET", "/v1/functions/hello")).json()).toEqual(view);
  });

  it("replaces a function whole, keeps its time of creation, and answers 200", async () => {
    const first = await viewOf(deploy("hello", HELLO, { limits: { memoryMb: 512 } }));
    const response = await deploy("hello", tarGzOf([{ name: "app.mjs" }]), { handler: "app.main" });
    expect(response.status).toBe(200);
    const second = await viewOf(response);
    expect(second).toMatchObject({ handler: "app.main", limits: { memoryMb: 256 } });
    expect(second.createdAt).toBe(first.createdAt);
    expect(second.bundleDigest).not.toBe(first.bundleDigest);
  });

  it("gives the same bundle the same digest as zip and as tar.gz", async () => {
    const entries = [{ name: "index.js", content: "export const handler = () => 'hello';" }];
    const zip = await viewOf(deploy("a", zipOf(entries)));
    expect(zip.bundleDigest).toBe((await viewOf(deploy("b", tarGzOf(entries)))).bundleDigest);
  });

  it("shows the names of the environment and never its values, nor logs them", async () => {
    const response = await deploy("hello", HELLO, { environment: { TOKEN: "s3cret-value", A: "b" } });
    const text = await response.text();
    expect(JSON.parse(text).environmentNames).toEqual(["A", "TOKEN"]);
    const list = await (await gateway.request("GET", "/v1/functions")).text();
    for (const shown of [text, list, gateway.log()]) expect(shown).not.toContain("s3cret-value");
    expect((await gateway.registry.resolve("hello")).environment).toEqual({ TOKEN: "s3cret-value", A: "b" });
  });

  it("keeps and shows an allow-list, and says why an entry is refused", async () => {
    const egress = { allow: [{ cidr: "8.8.8.0/24", ports: [443, "8000-8100"] }] };
    expect(await viewOf(deploy("out", HELLO, { network: "egress", egress }))).toMatchObject({ egress });
    const refused = { allow: [{ cidr: "169.254.169.254/32" }] };
    const problem = await problemOf(deploy("out", HELLO, { network: "egress", egress: refused }));
    expect(problem).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
    expect(problem.errors).toEqual([
      {
        path: "configuration.egress.allow.0.cidr",
        message: "is never reached from a sandbox: it is link-local, metadata services included",
      },
    ]);
  });

  it("takes the configuration as a file too", async () => {
    const form = deployment(HELLO);
    form.set("configuration", new File(['{"limits":{"pids":9}}'], "c.json"));
    const response = await gateway.request("PUT", "/v1/functions/hello", form);
    expect((await viewOf(response)).limits.pids).toBe(9);
  });

  it("lists every fault of a configuration with its path and without its value", async () => {
    const response = await deploy("hello", HELLO, {
      limits: { cpu: 1000, memory: 5 },
      environment: { LD_PRELOAD: "s3cret-value" },
    });
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
    expect((problem.errors as { path: string }[]).map((e) => e.path)).toEqual(
      expect.arrayContaining([
        "configuration.limits.cpu",
        "configuration.limits",
        "configuration.environment.LD_PRELOAD",
      ]),
    );
    expect(JSON.stringify(problem)).not.toContain("s3cret-value");
  });

  it("names the entry that the policy refuses and stores nothing", async () => {
    const before = await readdir(join(gateway.redisServer.folder, "bundles"));
    const problem = await problemOf(deploy("evil", zipOf([{ name: "../../etc/passwd" }])));
    expect(problem).toMatchObject({
      status: 422,
      code: "BUNDLE_ENTRY_REFUSED",
      details: { entry: "../../etc/passwd" },
    });
    expect(await readdir(join(gateway.redisServer.folder, "bundles"))).toEqual(before);
    expect((await gateway.request("GET", "/v1/functions/evil")).status).toBe(404);
  });

  it.each([
    [
      "a bundle without the handler's file",
      () => deploy("x", zipOf([{ name: "main.js" }])),
      422,
      "HANDLER_FILE_MISSING",
    ],
    ["what is no archive", () => deploy("x", Buffer.from("hello")), 415, "BUNDLE_FORMAT_UNKNOWN"],
    ["half an archive", () => deploy("x", HELLO.subarray(0, 60)), 400, "BUNDLE_CORRUPT"],
    ["a name that is not allowed", () => deploy("Not%20a%20Name"), 400, "REQUEST_INVALID"],
    [
      "a body that is no form",
      () => gateway.request("PUT", "/v1/functions/x", "zip"),
      400,
      "REQUEST_INVALID",
    ],
    [
      "a form without a bundle",
      () => gateway.request("PUT", "/v1/functions/x", new FormData()),
      400,
      "REQUEST_INVALID",
    ],
    [
      "a form with an unknown field",
      () => {
        const form = deployment(HELLO);
        form.set("config", "{}");
        return gateway.request("PUT", "/v1/functions/x", form);
      },
      400,
      "REQUEST_INVALID",
    ],
    [
      "a body that says it is too large",
      () =>
        gateway.request("PUT", "/v1/functions/x", "-", { "Content-Length": String(LIMITS.archiveBytes * 2) }),
      413,
      "REQUEST_TOO_LARGE",
    ],
  ])("refuses %s", async (_, act, status, code) => {
    expect(await problemOf(act())).toMatchObject({ status, code });
  });
});

describe("GET /v1/functions", () => {
  it("pages through all functions by name", async () => {
    const names = ["b", "a-1", "c", "a", "a_1"];
    for (const name of names) await deploy(name);
    const seen: string[] = [];
    let path: string | undefined = "/v1/functions?limit=2";
    let pages = 0;
    while (path) {
      const page = (await (await gateway.request("GET", path)).json()) as {
        functions: { name: string }[];
        next?: string;
      };
      seen.push(...page.functions.map((f) => f.name));
      path = page.next && `/v1/functions?limit=2&after=${page.next}`;
      pages += 1;
    }
    expect(seen).toEqual(names.toSorted());
    expect(pages).toBe(3);
  });

  it("refuses a limit that is no number", async () => {
    expect(await problemOf(gateway.request("GET", "/v1/functions?limit=x"))).toMatchObject({
      code: "REQUEST_INVALID",
      errors: [{ path: "query.limit" }],
    });
  });
});

describe("DELETE /v1/functions/{name}", () => {
  it("deletes once, then knows no such function", async () => {
    await deploy("hello");
    expect((await gateway.request("DELETE", "/v1/functions/hello")).status).toBe(204);
    for (const method of ["DELETE", "GET"])
      expect(await problemOf(gateway.request(method, "/v1/functions/hello"))).toMatchObject({
        status: 404,
        code: "FUNCTION_UNKNOWN",
      });
    expect(await (await gateway.request("GET", "/v1/functions")).json()).toEqual({ functions: [] });
    expect(await gateway.registry.referencedDigests()).toEqual(new Set());
  });

  it("starts a new life when the name is deployed again", async () => {
    await deploy("hello");
    await gateway.request("DELETE", "/v1/functions/hello");
    expect((await deploy("hello")).status).toBe(201);
  });
});

describe("without the right key", () => {
  it.each([
    ["no key", {}, "API_KEY_MISSING"],
    ["a wrong key", { "X-Api-Key": "wrong" }, "API_KEY_WRONG"],
    ["a wrong bearer token", { Authorization: "Bearer wrong" }, "API_KEY_WRONG"],
    ["another scheme", { Authorization: "Basic YTpi" }, "API_KEY_MISSING"],
  ])("refuses %s", async (_, headers: Record<string, string>, code) => {
    const response = await gateway.app.request("/v1/functions", { headers });
    expect(response.headers.get("WWW-Authenticate")).toContain("Bearer");
    expect(await problemOf(response)).toMatchObject({ status: 401, code });
  });

  it("accepts the key as a bearer token", async () => {
    const headers = { Authorization: "Bearer a-key-for-the-tests-only" };
    expect((await gateway.app.request("/v1/functions", { headers })).status).toBe(200);
  });

  it("serves the API's description, with security schemes and every route", async () => {
    const response = await gateway.app.request("/openapi.json");
    const document = openApi.parse(await response.json());
    expect(Object.keys(document.paths).sort()).toEqual([
      "/healthz",
      "/readyz",
      "/v1/functions",
      "/v1/functions/{name}",
      "/v1/functions/{name}/invocations",
      "/v1/layers",
      "/v1/layers/{name}",
    ]);
    expect(Object.keys(document.components.securitySchemes)).toEqual(["bearer", "apiKey"]);
    expect(document.paths["/v1/functions/{name}"]?.put?.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
    // Every reference leads somewhere.
    for (const [, name] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(document.components.schemas).toHaveProperty(String(name));
  });
});

describe("elsewhere", () => {
  it("answers a problem for an unknown address, with the caller's request id", async () => {
    const response = await gateway.app.request("/nowhere", { headers: { "X-Request-Id": "abc-1" } });
    expect(response.headers.get("X-Request-Id")).toBe("abc-1");
    expect(await problemOf(response)).toMatchObject({
      status: 404,
      code: "ROUTE_UNKNOWN",
      requestId: "abc-1",
    });
  });
});
