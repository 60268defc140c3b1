import { afterEach, describe, expect, it } from "vitest";
import { NftSession } from "./nft-session.ts";

/**
 * Speaks as `nft -i` does: refuses lines with "bad" in them, "met" once, ends at "end", is silent on others, and
 * knows no marker. Answers come in crumbs, with what it did on stdout, which nobody reads.
 */
const NFT = `let met = false;
const say = (why, line) => { for (const part of ["Error: ", why + "\\n" + line, "\\n   ^^^\\n"]) process.stderr.write(part); };
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  if (line.startsWith("mayfly_done")) say("syntax error, unexpected string", line);
  else if (line.includes("bad")) say("syntax error", line);
  else if (line.includes("met") && !met) { met = true; say("Could not process rule: Interrupted system call should be restarted", line); }
  else if (line === "end") { process.stderr.write("out of memory"); process.exit(1); }
  else if (line.includes("\\t") || line.includes(";;")) say("not one clean line", line);
})`;

describe("NftSession", () => {
  const sessions: NftSession[] = [];
  const open = (command: [string, ...string[]] = [process.execPath, "-e", NFT]) => {
    const session = new NftSession(command);
    sessions.push(session);
    return session;
  };
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()));
  });

  it("resolves when nft has nothing against the commands, however many lines they have", async () => {
    await expect(open().apply("add table a\n  add chain b\n\n  add rule c\n")).resolves.toBeUndefined();
  });

  it("nobody fails for another's commands", async () => {
    const session = open();
    const results = await Promise.allSettled(
      ["a", "bad", "c", "bad", "e"].map((text) => session.apply(text)),
    );
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(results[1]).toMatchObject({
      reason: { code: "EGRESS_FAILED", message: expect.stringMatching(/: syntax error$/) },
    });
  });

  it("a transaction that met another program's is tried a second time", async () => {
    await expect(open().apply("met")).resolves.toBeUndefined();
  });

  it("when nft ends, what waits fails with its last words, and so does what comes later", async () => {
    const session = open();
    const waiting = [session.apply("end"), session.apply("a")];
    for (const one of await Promise.allSettled(waiting))
      expect(one).toMatchObject({
        reason: { code: "EGRESS_FAILED", message: expect.stringMatching(/ended: out of memory/) },
      });
    await session.ended;
    expect(session.hasEnded).toBe(true);
    await expect(session.apply("b")).rejects.toMatchObject({ code: "EGRESS_FAILED" });
  });

  it("without the program the cure is told", async () => {
    await expect(open(["no-such-nft"]).apply("a")).rejects.toMatchObject({
      code: "HOST_UNSUITABLE",
      message: expect.stringMatching(/install the packages iproute2 and nftables/),
    });
  });
});
