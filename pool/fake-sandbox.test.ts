import { describe } from "vitest";
import { FakeSandboxFactory } from "./fake-sandbox.ts";
import { sandboxContract } from "./sandbox-contract.ts";

describe("the fake sandbox", () => {
  const factory = new FakeSandboxFactory();
  sandboxContract(
    () => factory,
    () => "/nowhere",
  );
});
