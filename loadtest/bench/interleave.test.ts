import { describe, expect, it } from "vitest";
import { type Contender, interleave } from "./interleave.ts";
import type { ContenderName } from "./results.ts";
import { Scope } from "./scope.ts";

const rounds = { rounds: 4, warmUps: 2, pauseMs: 0 };

/** Notes who ran; takes `ms`. */
const contender = (name: ContenderName, log: string[], ms = 1): Contender => ({
  name,
  open: async () => async () => {
    log.push(name);
    return ms;
  },
});

describe("interleave()", () => {
  it("lets every contender go once a round, each round beginning with another", async () => {
    const log: string[] = [];
    const all = [contender("mayfly", log), contender("runc", log), contender("floor", log)];
    await interleave(all, rounds, new Scope());
    const [first, second, third] = [log.slice(3, 6), log.slice(6, 9), log.slice(9, 12)];
    expect(log).toHaveLength((rounds.warmUps + rounds.rounds) * all.length);
    for (const round of [first, second, third]) expect(round.toSorted()).toEqual(["floor", "mayfly", "runc"]);
    expect(new Set([first[0], second[0], third[0]]).size).toBe(3);
  });

  it("does not count the warm-ups", async () => {
    let runs = 0;
    const slowAtFirst: Contender = {
      name: "mayfly",
      open: async () => async () => (++runs <= rounds.warmUps ? 1000 : 1),
    };
    expect(await interleave([slowAtFirst], rounds, new Scope())).toEqual({
      mayfly: { p50Ms: 1, p99Ms: 1, n: rounds.rounds },
    });
  });

  it("says why a contender does not run, and goes on with the others", async () => {
    const refusing: Contender = {
      name: "crun",
      open: async () => {
        throw new Error("not on this machine\nand much more");
      },
    };
    const result = await interleave([refusing, contender("runc", [])], rounds, new Scope());
    expect(result).toMatchObject({ crun: { refused: "not on this machine" }, runc: { n: rounds.rounds } });
  });

  it("keeps no time of a contender that fails later", async () => {
    let runs = 0;
    const failing: Contender = {
      name: "runsc",
      open: async () => async () => {
        if (++runs > 3) throw new Error("it broke");
        return 1;
      },
    };
    expect(await interleave([failing], rounds, new Scope())).toEqual({ runsc: { refused: "it broke" } });
  });

  it("fails when one of ours does not run", async () => {
    const broken: Contender = {
      name: "mayfly",
      isOwn: true,
      open: async () => {
        throw new Error("no root");
      },
    };
    await expect(interleave([broken], rounds, new Scope())).rejects.toThrow("mayfly does not run: no root");
  });

  it("ends early when its time is up, after three rounds at least", async () => {
    const result = await interleave(
      [contender("node", [])],
      { ...rounds, rounds: 50, withinMs: -1 },
      new Scope(),
    );
    expect(result).toMatchObject({ node: { n: 3 } });
  });
});
