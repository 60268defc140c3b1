import { describe, expect, test } from "vitest";
import { judgeOutcome } from "./judge-outcome.ts";
import { answer, jobOf, USED_NOTHING_SPECIAL } from "./pool.fixture.ts";

const { limits } = jobOf();
const oom = { ...USED_NOTHING_SPECIAL, oomKills: 1 };
const pidsHit = { ...USED_NOTHING_SPECIAL, pidsLimitHits: 3 };
const killed = { kind: "ended", end: { signal: "SIGKILL" } } as const;
const typeError = answer("", {
  status: "function_error",
  error: { type: "TypeError", message: "no", stack: ["at x"] },
});

describe("judgeOutcome()", () => {
  test("an answer in JSON is ok and travels unchanged", async () => {
    expect(await judgeOutcome(answer(' {"a": 1}'), () => USED_NOTHING_SPECIAL, limits)).toEqual({
      verdict: "ok",
      body: Buffer.from(' {"a": 1}'),
    });
  });

  test("an answer stays ok although a helper process met a limit", async () => {
    expect((await judgeOutcome(answer("1"), () => oom, limits)).verdict).toBe("ok");
    expect((await judgeOutcome(answer("1"), () => pidsHit, limits)).verdict).toBe("ok");
  });

  test("an answer that is not JSON breaks the protocol", async () => {
    expect((await judgeOutcome(answer("{oops"), () => USED_NOTHING_SPECIAL, limits)).verdict).toBe(
      "protocol_error",
    );
  });

  test("SIGKILL without a rise of oom_kill is exited, not out_of_memory", async () => {
    const judgement = await judgeOutcome(killed, () => USED_NOTHING_SPECIAL, limits);
    expect(judgement).toMatchObject({ verdict: "exited", fault: { type: "Signal", signal: "SIGKILL" } });
  });

  test("an exit before the answer names its code, 0 included", async () => {
    const judgement = await judgeOutcome(
      { kind: "ended", end: { exitCode: 0 } },
      () => USED_NOTHING_SPECIAL,
      limits,
    );
    expect(judgement).toMatchObject({ verdict: "exited", fault: { type: "Exit", exitCode: 0 } });
  });

  test.each([
    ["a killed process", killed],
    ["a timeout", { kind: "timeout" } as const],
    ["an error of the function", typeError],
  ])("%s with a rise of oom_kill is out_of_memory", async (_title, outcome) => {
    expect(await judgeOutcome(outcome, () => oom, limits)).toMatchObject({
      verdict: "out_of_memory",
      fault: { type: "OutOfMemory" },
    });
  });

  test("a failure after a refused fork is process_limit and still tells what the function said", async () => {
    const { verdict, fault } = await judgeOutcome(typeError, () => pidsHit, limits);
    expect(verdict).toBe("process_limit");
    expect(fault?.message).toContain("TypeError: no");
    expect(fault?.stack).toEqual(["at x"]);
  });

  test("a timeout says how long the function had", async () => {
    const { fault } = await judgeOutcome({ kind: "timeout" }, () => USED_NOTHING_SPECIAL, limits);
    expect(fault?.message).toContain("1000 ms");
  });

  test("an error of the function keeps its type, message and stack", async () => {
    expect(await judgeOutcome(typeError, () => USED_NOTHING_SPECIAL, limits)).toEqual({
      verdict: "function_error",
      fault: { type: "TypeError", message: "no", stack: ["at x"] },
    });
  });
});
