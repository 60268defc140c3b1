import { expect, it } from "vitest";
import { Scope } from "./scope.ts";

it("a scope closes the last one first, and everything once", async () => {
  const log: string[] = [];
  const scope = new Scope();
  await scope.defer(() => log.push("first"));
  await scope.defer(async () => log.push("second"));
  await Promise.all([scope.close(), scope.close()]);
  expect(log).toEqual(["second", "first"]);
});

it("a scope closes the rest when closing one fails, and then says so", async () => {
  const log: string[] = [];
  const scope = new Scope();
  await scope.defer(() => log.push("closed"));
  await scope.defer(() => {
    throw new Error("stuck");
  });
  await expect(scope.close()).rejects.toThrow("stuck");
  expect(log).toEqual(["closed"]);
});

it("what is opened while a scope closes is closed at once", async () => {
  const log: string[] = [];
  const scope = new Scope();
  await scope.close();
  await scope.defer(() => log.push("late"));
  expect(log).toEqual(["late"]);
});
