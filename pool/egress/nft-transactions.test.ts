import { describe, expect, it } from "vitest";
import { NftTransactions } from "./nft-transactions.ts";

/** A tool that refuses texts with "bad" in them and keeps what it was given. */
function recorder() {
  const runs: string[] = [];
  const transactions = new NftTransactions(async (commands) => {
    runs.push(commands);
    await Promise.resolve();
    if (commands.includes("bad")) throw new Error(`refused: ${commands}`);
  });
  return { runs, transactions };
}

describe("NftTransactions", () => {
  it("what arrives while one runs goes into the next, together", async () => {
    const { runs, transactions } = recorder();
    await Promise.all(["a", "b", "c"].map((commands) => transactions.apply(commands)));
    expect(runs).toEqual(["a", "b\nc"]);
  });

  it("nobody fails for another's commands", async () => {
    const { runs, transactions } = recorder();
    const results = await Promise.allSettled(["a", "b", "bad", "c"].map((text) => transactions.apply(text)));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(runs).toEqual(["a", "b\nbad\nc", "b", "bad", "c"]);
  });

  it("works on after a failure", async () => {
    const { transactions } = recorder();
    await expect(transactions.apply("bad")).rejects.toThrow("refused: bad");
    await expect(transactions.apply("good")).resolves.toBeUndefined();
  });

  it("a transaction that met another program's is tried a second time", async () => {
    let runs = 0;
    const transactions = new NftTransactions(async () => {
      runs += 1;
      if (runs === 1) throw new Error("Interrupted system call should be restarted");
    });
    await transactions.apply("a");
    expect(runs).toBe(2);
  });
});
