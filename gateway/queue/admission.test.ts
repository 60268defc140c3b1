import { describe, expect, it } from "vitest";
import { Admission } from "./admission.ts";

describe("Admission", () => {
  it("asks for the depth once, not for every invocation", async () => {
    let asked = 0;
    const admission = new Admission(async () => {
      asked += 1;
      return 0;
    }, 100);
    await Promise.all(Array.from({ length: 50 }, () => admission.admit()));
    expect(asked).toBe(1);
  });

  it("refuses what is beyond the limit, counting what it admitted since the reading", async () => {
    const admission = new Admission(async () => 7, 10);
    for (let n = 0; n < 3; n += 1) await admission.admit();
    await expect(admission.admit()).rejects.toMatchObject({ code: "QUEUE_FULL" });
  });

  it("admits again as soon as one of its own has ended", async () => {
    const admission = new Admission(async () => 0, 1);
    for (let n = 0; n < 10; n += 1) {
      const leave = await admission.admit();
      await expect(admission.admit()).rejects.toMatchObject({ code: "QUEUE_FULL" });
      leave();
    }
  });

  it("passes on that the depth cannot be read", async () => {
    const admission = new Admission(() => Promise.reject(new Error("away")), 1);
    await expect(admission.admit()).rejects.toThrow("away");
  });
});
