import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { egressRule, REFUSED_RANGES, whyRefused } from "./egress.ts";
import { functionConfig } from "./function-config.ts";
import { contains, formatIpv4, parseCidr, parseIpv4 } from "./ipv4.ts";

describe("parseIpv4() and parseCidr()", () => {
  it("an address survives being written and read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (address) => {
        expect(parseIpv4(formatIpv4(address))).toBe(address);
      }),
    );
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.4/33",
    "1.2.3.4/24",
    "::1",
    "1.2.3.4/",
    "a/8",
  ])("%o is no range", (text) => expect(parseCidr(text)).toBeUndefined());

  it("a range ends where the next begins", () => {
    expect(parseCidr("8.8.8.0/24")).toEqual({ first: 0x08080800, last: 0x080808ff });
    expect(parseCidr("0.0.0.0/0")).toEqual({ first: 0, last: 2 ** 32 - 1 });
    expect(parseCidr("255.255.255.255")).toEqual({ first: 2 ** 32 - 1, last: 2 ** 32 - 1 });
  });
});

describe("the refused ranges", () => {
  it("are ranges, and none lies in another", () => {
    const ranges = Object.keys(REFUSED_RANGES).map(parseCidr);
    expect(ranges.length).toBeGreaterThan(10);
    for (const [i, a] of ranges.entries()) {
      expect(a).toBeDefined();
      for (const b of ranges.slice(i + 1)) expect(a && b && (contains(a, b) || contains(b, a))).toBe(false);
    }
  });

  it.each([
    "10.1.2.3",
    "169.254.169.254/32",
    "172.31.255.0/24",
    "192.168.0.0/16",
    "100.100.100.200",
    "127.0.0.53",
    "224.0.0.251",
    "255.255.255.255",
    "168.63.129.16",
  ])("an allow-list may not name %s", (cidr) => {
    expect(egressRule.safeParse({ cidr }).error?.issues[0]?.message).toContain("is never reached");
  });

  it.each(["8.8.8.8", "0.0.0.0/0", "172.32.0.0/16", "172.0.0.0/8", "11.0.0.0/8"])(
    "%s may be named: some of it is public",
    (cidr) => expect(whyRefused(cidr)).toBeUndefined(),
  );
});

describe("a function's network", () => {
  it("is none unless it says otherwise", () => {
    expect(functionConfig.parse({}).network).toBe("none");
  });

  it("may have an allow-list by range, ports and protocol", () => {
    const egress = { allow: [{ cidr: "8.8.8.0/24", ports: [443, "8000-8100"], protocol: "tcp" }] };
    expect(functionConfig.parse({ network: "egress", egress }).egress).toEqual(egress);
  });

  test("an allow-list without network egress is refused, not ignored", () => {
    expect(functionConfig.safeParse({ egress: { allow: [] } }).error?.issues[0]).toMatchObject({
      path: ["egress"],
      message: 'needs "network": "egress"',
    });
  });

  it.each([[[0]], [[65_536]], [["100-99"]], [["1-65536"]], [["80"]], [[]], [["1-2; accept"]]])(
    "ports %j are refused",
    (ports) => {
      const config = { network: "egress", egress: { allow: [{ cidr: "8.8.8.8", ports }] } };
      expect(functionConfig.safeParse(config).success).toBe(false);
    },
  );
});
