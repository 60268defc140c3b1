import { access } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { InvocationJob } from "../../contract/index.ts";
import { tarGzOf, zipOf } from "../bundles/archives.fixture.ts";
import { BundleStore } from "../bundles/bundle-store.ts";
import { deployment, type GatewayFixture, startGateway } from "../gateway.fixture.ts";
import { referencedDigests } from "../sweep-bundles.ts";

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.end());
beforeEach(() => gateway.redis.flushall());

const FUNCTION = zipOf([{ name: "index.js", content: "export const handler = () => 'hello';" }]);
const archive = (content: string) => tarGzOf([{ name: "nodejs/node_modules/dep/index.js", content }]);
const upload = (name: string, content = "1") =>
  gateway.request("PUT", `/v1/layers/${name}`, deployment(archive(content)));
const deploy = (layers: unknown) =>
  gateway.request("PUT", "/v1/functions/f", deployment(FUNCTION, { layers }));
const json = async (response: Response | Promise<Response>) =>
  (await (await response).json()) as Record<string, unknown>;
const digests = () => referencedDigests({ functions: gateway.registry, layers: gateway.layers });

describe("layers", () => {
  it("are made, replaced, listed by name, described and deleted", async () => {
    const created = await upload("b");
    expect(created.status).toBe(201);
    const layer = await json(created);
    expect(layer).toEqual({
      name: "b",
      bundleDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      bundleBytes: expect.any(Number),
      updatedAt: expect.any(String),
    });
    const replaced = await upload("b", "2");
    expect(replaced.status).toBe(200);
    const second = await json(replaced);
    expect(second.bundleDigest).not.toBe(layer.bundleDigest);
    await upload("a");
    expect(await json(gateway.request("GET", "/v1/layers/b"))).toEqual(second);
    const { layers } = (await json(gateway.request("GET", "/v1/layers"))) as { layers: { name: string }[] };
    expect(layers.map(({ name }) => name)).toEqual(["a", "b"]);
    expect((await gateway.request("DELETE", "/v1/layers/b")).status).toBe(204);
    for (const method of ["GET", "DELETE"]) {
      const response = await gateway.request(method, "/v1/layers/b");
      expect(response.status).toBe(404);
      expect(await json(response)).toMatchObject({ code: "LAYER_NOT_FOUND" });
    }
  });

  it("are judged as bundles are, and have no handler", async () => {
    const evil = deployment(zipOf([{ name: "../../etc/passwd" }]));
    const refused = await gateway.request("PUT", "/v1/layers/evil", evil);
    expect(refused.status).toBe(422);
    expect(await json(refused)).toMatchObject({ code: "BUNDLE_ENTRY_REFUSED" });
    const configured = deployment(archive("1"), { handler: "index.handler" });
    expect((await gateway.request("PUT", "/v1/layers/x", configured)).status).toBe(400);
    expect(await json(gateway.request("GET", "/v1/layers"))).toEqual({ layers: [] });
  });

  it("need the API key", async () => {
    for (const method of ["GET", "PUT", "DELETE"])
      expect((await gateway.app.request("/v1/layers/a", { method })).status).toBe(401);
  });

  it("a function keeps the layers that it was deployed with, and so does its job", async () => {
    const old = [await json(upload("a", "old a")), await json(upload("b", "old b"))].map(
      ({ bundleDigest }) => bundleDigest,
    );
    const view = await json(deploy(["b", "a"]));
    expect(view).toMatchObject({ layers: ["b", "a"], layerDigests: [old[1], old[0]] });
    await upload("a", "new a");
    await gateway.request("DELETE", "/v1/layers/b");

    const jobs: InvocationJob[] = [];
    await gateway.startWorker((job) => {
      jobs.push(job);
      return { body: Buffer.from("1") };
    });
    expect((await gateway.request("POST", "/v1/functions/f/invocations", "{}")).status).toBe(200);
    await gateway.stopWorkers();
    expect(jobs[0]?.layerDigests).toEqual([old[1], old[0]]);
  });

  it("that do not exist are refused by name, and nothing is deployed", async () => {
    await upload("a");
    const response = await deploy(["a", "nope", "neither"]);
    expect(response.status).toBe(422);
    expect(await json(response)).toMatchObject({
      code: "LAYER_UNKNOWN",
      details: { unknown: ["nope", "neither"] },
    });
    expect((await gateway.request("GET", "/v1/functions/f")).status).toBe(404);
  });

  it.each([
    ["six", ["a", "b", "c", "d", "e", "f"]],
    ["one twice", ["a", "a"]],
    ["a name that is not allowed", ["../a"]],
  ])("%s are refused", async (_, layers) => {
    const response = await deploy(layers);
    expect(response.status).toBe(400);
    expect(await json(response)).toMatchObject({ code: "REQUEST_INVALID" });
  });

  it("the sweeper spares what a layer or a function's layers refer to, and takes the rest", async () => {
    const kept = await json(upload("kept", "kept"));
    const ofFunction = await json(upload("used", "used"));
    await deploy(["used"]);
    await gateway.request("DELETE", "/v1/layers/used");
    const unused = await json(upload("unused", "unused"));
    await gateway.request("DELETE", "/v1/layers/unused");

    const store = new BundleStore(gateway.redisServer.folder, undefined, 0);
    await store.sweep(digests);
    await store.sweep(digests);
    const exists = (layer: Record<string, unknown>) =>
      access(join(gateway.redisServer.folder, "bundles", String(layer.bundleDigest))).then(
        () => true,
        () => false,
      );
    expect([await exists(kept), await exists(ofFunction), await exists(unused)]).toEqual([true, true, false]);
  });
});
