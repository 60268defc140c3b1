import { describe, expect, it, test } from "vitest";
import { findResolver, firstNameserver, isLoopback } from "./find-resolver.ts";
import { LinkAddresses } from "./link-addresses.ts";
import { addAllowList, mergePorts, removeAllowList } from "./ruleset.ts";

describe("mergePorts()", () => {
  it.each([
    [[443], [[443, 443]]],
    [
      ["8000-8100", 80],
      [
        [80, 80],
        [8000, 8100],
      ],
    ],
    [[1, 2, 3, "3-5", 5], [[1, 5]]],
    [["1-65535", 7, "9-10"], [[1, 65_535]]],
    [
      [9, "10-10", 100],
      [
        [9, 10],
        [100, 100],
      ],
    ],
  ] as [(number | string)[], number[][]][])("%j becomes %j: sorted, without overlaps", (ports, merged) =>
    expect(mergePorts(ports)).toEqual(merged),
  );
});

describe("an allow-list", () => {
  const rules = [
    { cidr: "8.8.8.0/24", ports: [443, "80-90"], protocol: "tcp" as const },
    { cidr: "1.1.1.1" },
  ];

  it("is written whole before the link's packets are sent there", () => {
    expect(addAllowList("t", "mf-1", "allow_1", rules).split("\n")).toEqual([
      "add chain inet t allow_1",
      "add rule inet t allow_1 ip daddr 8.8.8.0/24 meta l4proto tcp th dport { 80-90, 443-443 } accept",
      "add rule inet t allow_1 ip daddr 1.1.1.1 meta l4proto { tcp, udp } accept",
      "add rule inet t allow_1 goto refuse",
      'add element inet t allow_lists { "mf-1" : goto allow_1 }',
    ]);
  });

  it("goes in the opposite order", () => {
    expect(removeAllowList("t", "mf-1", "allow_1").split("\n")[0]).toContain("delete element");
  });
});

describe("LinkAddresses", () => {
  const addresses = () => new LinkAddresses({ first: 0x0a000000, last: 0x0a000003 });

  it("gives every address but the range's ends, and then says that all are taken", () => {
    const all = addresses();
    expect([all.take(), all.take()]).toEqual([
      { index: 1, address: "10.0.0.1" },
      { index: 2, address: "10.0.0.2" },
    ]);
    expect(() => all.take()).toThrow("all 2 of MAYFLY_EGRESS_CIDR are in use");
  });

  it("an address that is given back is taken last", () => {
    const all = addresses();
    all.give(all.take().index);
    expect([all.take().index, all.take().index]).toEqual([2, 1]);
  });
});

describe("the machine's resolver", () => {
  it.each([
    ["nameserver 127.0.0.53\nnameserver 192.0.2.1\n", "192.0.2.1"],
    ["# nameserver 1.1.1.1\n  nameserver\t9.9.9.9 # comment\n", "9.9.9.9"],
    ["nameserver 2001:db8::1\nnameserver ::1\n", undefined],
    ["", undefined],
  ])("of %j is %s", (text, expected) => expect(firstNameserver(text)).toBe(expected));

  test("a loopback address is one of 127.0.0.0/8", () => {
    expect(["127.0.0.1", "127.255.255.255", "128.0.0.1", "nonsense"].map(isLoopback)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("is looked for in several files; where there is none, the setting is named", async () => {
    const files: Record<string, string> = {
      "/stub": "nameserver 127.0.0.53",
      "/real": "nameserver 192.0.2.7",
    };
    const read = async (path: string) => files[path] ?? Promise.reject(new Error("ENOENT"));
    expect(await findResolver(["/stub", "/absent", "/real"], read)).toBe("192.0.2.7");
    await expect(findResolver(["/stub"], read)).rejects.toMatchObject({
      code: "HOST_UNSUITABLE",
      message: expect.stringMatching(/MAYFLY_EGRESS_DNS=/),
    });
  });
});
