import { expect, test } from "vitest";
import type { PoolStatus } from "../contract/index.ts";
import { decisionLine, poolTable } from "./pool-table.ts";

const decision = {
  atMs: 0,
  from: 8,
  to: 21,
  reason: "rate",
  ratePerSecond: 40,
  refillMs: 25,
  burst: 20,
} as const;
const pool: PoolStatus = {
  ...{ runtime: "nodejs24", network: "none", floor: 8, ceiling: 64, target: 21, parked: 19, starting: 2 },
  ...{ leased: 3, waiting: 0, retired: 5, leaked: 0, died: 0, failed: 0, decisions: [decision] },
};

test("a line for each pool, named by what it is for, with why it has its size", () => {
  const table = poolTable([
    pool,
    { ...pool, network: "egress", decisions: [] },
    { ...pool, functionName: "report" },
  ]);
  expect(
    table
      .split("\n")
      .slice(1)
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["nodejs24", "19", "21", "8-64", "2", "3", "0", "5", "0", "rate"],
    ["nodejs24 with egress", "19", "21", "8-64", "2", "3", "0", "5", "0", "floor"],
    ["report (prewarmed)", "19", "21", "8-64", "2", "3", "0", "5", "0", "rate"],
  ]);
});

test("a decision says what it was made of", () => {
  expect(decisionLine("nodejs24", decision)).toMatch(
    /^\d\d:\d\d:\d\d {2}nodejs24 {2}8 -> 21: rate \(40\.0\/s x 25 ms \+ bursts of 20\)$/,
  );
});
