/**
 * Functions with network egress, between network namespaces that network-lab.fixture.ts makes: what they reach, what
 * they do not, and what is left of it. Everything that is refused is there and answers the worker itself.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SANDBOX_RESOLVER } from "../../contract/index.ts";
import { SLOWNESS } from "../../test/support/slowness.ts";
import type { LeaseChanges } from "../code-runner.fixture.ts";
import { EgressNetwork } from "./egress-network.ts";
import {
  DENIED,
  PUBLIC,
  PUBLIC_V6,
  RANGE,
  REFUSED,
  RESOLVER,
  SERVED_PORTS,
  WORKER_ADDRESSES,
  WORKER_PORT,
  WORKER_V6,
} from "./lab-addresses.fixture.ts";
import { type LabProcess, NetworkLab } from "./network-lab.fixture.ts";
import type { EgressSettings } from "./pool-process.fixture.ts";
import { PROBE, type Probe, tcpCode } from "./probe-code.fixture.ts";
import { FLOWS_PER_SANDBOX } from "./ruleset.ts";

const INSTANCE = "test-egress";
const { table, linkPrefix } = EgressNetwork.namesOf(INSTANCE);
const [OWN = ""] = WORKER_ADDRESSES;
const WAIT = { timeout: 10_000 * SLOWNESS };
const NOTHING = { links: [], tables: [] };

let lab: NetworkLab;
let pool: LabProcess;

const open = (changes: Partial<EgressSettings> = {}) =>
  pool.ask({
    action: "open",
    instance: INSTANCE,
    egress: { range: RANGE, resolver: RESOLVER, deny: [`${DENIED}/32`], target: 1, ...changes },
  });
const close = () => pool.ask({ action: "close" });
const run = (code: string, changes: LeaseChanges = {}) =>
  pool.ask({ action: "run", code, changes: { network: "egress", ...changes } });
const tcp = async (hosts: string[], ports: number[], changes: LeaseChanges = {}) =>
  (await run(tcpCode(hosts, ports), changes)) as Probe;
const all = (hosts: string[], ports: number[], said: string): Probe =>
  Object.fromEntries(hosts.flatMap((host) => ports.map((port) => [`${host}:${port}`, said])));

/** Code as a function's, run by the worker's machine itself. */
const runOnWorker = (code: string): unknown =>
  JSON.parse(
    lab.worker(
      `exec ${process.execPath} - << 'END'
(async () => {${code}})().then((value) => console.log(JSON.stringify(value)));
END`,
    ),
  );
const release = (token: string) => runOnWorker(`${PROBE} return udp("8.8.8.8", 80, "${token}")`);

beforeAll(async () => {
  lab = await NetworkLab.build();
  pool = await lab.startPool();
  await open();
});

afterAll(async () => {
  await pool.end();
  expect(lab.leftovers()).toEqual(NOTHING);
  await lab.destroy();
});

describe("the lab", () => {
  it("everything that sandboxes are refused answers the worker's machine itself", () => {
    const said = runOnWorker(tcpCode([...REFUSED, DENIED, RESOLVER, ...PUBLIC, PUBLIC_V6], [80]));
    const { [`${PUBLIC_V6}:80`]: six, ...four } = said as Probe;
    expect(four).toEqual(all([...REFUSED, DENIED, RESOLVER, ...PUBLIC], [80], `you are ${OWN}`));
    expect(six).toBe(`you are ${WORKER_V6}`);
  });

  it("what listens on the worker's machine answers it on all of its addresses", () => {
    expect(runOnWorker(tcpCode(WORKER_ADDRESSES, [WORKER_PORT, 53]))).toEqual(
      all(WORKER_ADDRESSES, [WORKER_PORT, 53], "the worker's machine"),
    );
  });
});

describe("a function with network none", () => {
  it("has no interface but its loopback, and reaches nothing and no name", async () => {
    const code = `${PROBE} return [fs.readFileSync("/proc/net/dev", "utf8").match(/\\w+(?=:)/g), await tcp("8.8.8.8", 80),
      await dns.promises.lookup("public.test").catch((error) => error.code)]`;
    const [interfaces, reached, name] = (await run(code, { network: "none" })) as unknown[];
    expect(interfaces).toEqual(["lo"]);
    expect(reached).toBe("ENETUNREACH");
    expect(name).toMatch(/^EAI_AGAIN$|^ENOTFOUND$/);
  });
});

describe("a function with network egress", () => {
  it("reaches the public Internet by TCP and UDP, with the worker's address", async () => {
    expect(await tcp(PUBLIC, SERVED_PORTS)).toEqual(all(PUBLIC, SERVED_PORTS, `you are ${OWN}`));
    expect(await run(`${PROBE} return [await udp("8.8.8.8", 443), await udp("1.1.1.1", 80)]`)).toEqual([
      `you are ${OWN}`,
      `you are ${OWN}`,
    ]);
  });

  it("looks names up through the operator's resolver, as Node.js and as the C library do, also by TCP", async () => {
    const code = `${PROBE} const { resolve4, lookup } = dns.promises;
      return [await resolve4("public.test"), (await lookup("public.test")).address, (await resolve4("many.test")).length,
        await lookup("absent.test").catch((error) => error.code), await tcp("public.test", 80)]`;
    expect(await run(code)).toEqual([["8.8.8.8"], "8.8.8.8", 60, "ENOTFOUND", `you are ${OWN}`]);
    expect((await lab.arrived("dns tcp")).map(({ from }) => from)).toContain(OWN);
  });

  it("is refused private, link-local, metadata, shared, reserved and the operator's ranges, at once", async () => {
    const hosts = [...REFUSED, DENIED];
    expect(await tcp(hosts, [80, 443])).toEqual(all(hosts, [80, 443], "ECONNREFUSED"));
  });

  it("sends no datagram there either", async () => {
    const hosts = JSON.stringify([...REFUSED, DENIED, RESOLVER]);
    expect(await run(`${PROBE} return scatter(${hosts}, [80, 443], "forbidden", "8.8.8.8")`)).toEqual([
      "8.8.8.8 80",
    ]);
    expect(await lab.arrived("forbidden")).toEqual([]);
  });

  it("is refused the resolver's own address, and everything but names at the sandboxes' resolver", async () => {
    const said = await tcp([RESOLVER, SANDBOX_RESOLVER], [80, 443, WORKER_PORT]);
    expect(said).toEqual(all([RESOLVER, SANDBOX_RESOLVER], [80, 443, WORKER_PORT], "ECONNREFUSED"));
    expect(await tcp([RESOLVER], [53])).toEqual(all([RESOLVER], [53], "ECONNREFUSED"));
  });

  it("is refused the worker's machine on all of its addresses, public ones too", async () => {
    const ports = [WORKER_PORT, 53];
    expect(await tcp(WORKER_ADDRESSES, ports)).toEqual(all(WORKER_ADDRESSES, ports, "ECONNREFUSED"));
    const hosts = JSON.stringify(WORKER_ADDRESSES);
    expect(
      await run(`${PROBE} return scatter(${hosts}, [${WORKER_PORT}, 53], "forbidden", "8.8.8.8")`),
    ).toEqual(["8.8.8.8 80"]);
  });

  it("does not reach a sibling, nor does the worker's machine", async () => {
    const sibling =
      run(`${PROBE} net.createServer((socket) => socket.end("a sibling")).listen(9000, "0.0.0.0");
      const heard = [], listener = dgram.createSocket("udp4");
      listener.on("message", (message) => heard.push(String(message)));
      await new Promise((next) => listener.bind(9000, next));
      const socket = net.connect(80, "8.8.8.8"); await new Promise((next) => socket.on("connect", next));
      const address = socket.localAddress; socket.destroy();
      dgram.createSocket("udp4").send("itself", 9000, address);
      await udp("8.8.8.8", 443, "sibling " + address); await released("release-sibling");
      return [await tcp(address, 9000), [...new Set(heard)]]`);
    const address = await vi.waitFor(async () => {
      const [one] = await lab.arrived("sibling 100.");
      return one?.what.split(" ").at(-1) ?? expect.fail("not yet");
    }, WAIT);
    const code = `${PROBE} await scatter(["${address}"], [9000], "intruder", "8.8.8.8"); return tcp("${address}", 9000)`;
    expect(await run(code)).toBe("ECONNREFUSED");
    expect(runOnWorker(`${PROBE} return tcp("${address}", 9000, 500)`)).toBe("silence");
    release("release-sibling");
    expect(await sibling).toEqual(["a sibling", ["itself"]]);
  });

  it("has no IPv6", async () => {
    expect((await tcp([PUBLIC_V6], [80]))[`${PUBLIC_V6}:80`]).toMatch(/^(ENETUNREACH|EADDRNOTAVAIL)$/);
  });

  it("cannot make ICMP or packets of its own", async () => {
    const code = `const ping = cp.spawnSync("busybox", ["ping", "-c", "1", "-W", "1", "8.8.8.8"], { encoding: "utf8" });
      return [ping.status, ping.stderr]`;
    expect(await run(code)).toEqual([
      1,
      expect.stringMatching(/can't create raw socket|permission denied|not supported/),
    ]);
  });

  it("has at most its number of connections at a time, and keeps those that it has", async () => {
    const code = `${PROBE}
      const first = net.connect(80, "8.8.8.8"); let said = ""; first.on("data", (data) => { said += data; });
      await new Promise((next) => first.once("data", next));
      const socket = dgram.createSocket("udp4");
      await new Promise((next) => socket.bind(0, next));
      for (let port = 10000; port < 10000 + ${FLOWS_PER_SANDBOX} + 100; port++) await new Promise((next) => socket.send("x", port, "8.8.8.8", next));
      const refused = await tcp("8.8.8.8", 443);
      first.write("still here"); while (!said.includes("still here")) await new Promise((next) => first.once("data", next));
      first.destroy();
      await new Promise((next) => socket.close(next));
      return refused`;
    expect(await run(code)).toBe("ECONNREFUSED");
  });
});

describe("connections of a sandbox that is gone", () => {
  it("leave the machine's table soon", async () => {
    const code = `${PROBE} const sockets = Array.from({ length: 20 }, () => net.connect(80, "8.8.8.8"));
      await Promise.all(sockets.map((socket) => new Promise((next) => socket.once("data", next))));
      await udp("8.8.8.8", 443); return sockets[0].localAddress`;
    const address = (await run(code)) as string;
    const flows = lab
      .worker("cat /proc/net/nf_conntrack")
      .split("\n")
      .filter((line) => line.includes(`src=${address} `))
      .map((line) => line.trim().split(/\s+/));
    expect(flows).toHaveLength(21);
    /** Protocol, its number, seconds that it has left. */
    const longest = (protocol: string) =>
      Math.max(...flows.filter((flow) => flow[2] === protocol).map((flow) => Number(flow[4])));
    expect(longest("tcp")).toBeLessThanOrEqual(10);
    expect(longest("udp")).toBeLessThanOrEqual(60);
  });
});

/** Whoever has every right in a sandbox's network namespace, which no function has. */
describe("root in a sandbox's network namespace", () => {
  it("sends nothing from an address that is not the sandbox's, nothing by IPv6, and no ICMP", async () => {
    const function_ =
      run(`${PROBE} await udp("8.8.8.8", 443, "netns " + fs.readlinkSync("/proc/self/ns/net"));
      await released("release-root"); return true`);
    const namespace = await vi.waitFor(async () => {
      const [one] = await lab.arrived("netns net:");
      return one?.what.split(" ").at(-1) ?? expect.fail("not yet");
    }, WAIT);
    const pid = readdirSync("/proc").find((entry) => {
      try {
        return /^\d+$/.test(entry) && readlinkSync(`/proc/${entry}/ns/net`) === namespace;
      } catch {
        return false;
      }
    });
    expect(pid).toBeDefined();
    const inside = (command: string) =>
      execFileSync("nsenter", [`--net=/proc/${pid}/ns/net`, "sh", "-euc", command], { encoding: "utf8" });
    const send = (type: string, from: string, to: string, message: string) =>
      inside(`${process.execPath} -e '
        const socket = require("dgram").createSocket("${type}");
        socket.bind(0, "${from}", () => socket.send("${message}", 80, "${to}", (error) => { if (error) throw error; socket.close(); }))'`);
    inside(`ip addr add 100.64.128.77/32 dev eth0
      echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6
      ip -6 addr add 2a00:77::99/128 dev eth0 nodad
      ip -6 neigh add fe80::1 lladdr 02:00:00:00:00:01 nud permanent dev eth0
      ip -6 route add default via fe80::1 dev eth0 onlink`);
    send("udp4", "100.64.128.77", "8.8.8.8", "spoofed");
    send("udp6", "2a00:77::99", PUBLIC_V6, "spoofed");
    const own = inside("ip -4 -o addr show dev eth0").match(/inet (100\.64\.128\.\d+)/)?.[1] ?? "";
    expect(() => inside("busybox ping -c 1 -W 1 8.8.8.8")).toThrow();
    send("udp4", own, "8.8.8.8", "honest");
    expect(lab.worker("busybox ping -c 1 -W 1 8.8.8.8")).toContain("1 packets received");
    await vi.waitFor(async () => expect(await lab.arrived("honest")).toHaveLength(1), WAIT);
    expect(await lab.arrived("spoofed")).toEqual([]);
    release("release-root");
    expect(await function_).toBe(true);
  });
});

describe("an allow-list", () => {
  it("holds by range, port and protocol; what is not on it is refused at once", async () => {
    const egress = {
      allow: [
        { cidr: "8.8.8.0/24", ports: [443, "8000-8100"], protocol: "tcp" as const },
        { cidr: "1.1.1.1", ports: [80] },
      ],
    };
    expect(await tcp(PUBLIC, SERVED_PORTS, { egress })).toEqual({
      ...all(["8.8.8.8"], [80], "ECONNREFUSED"),
      ...all(["8.8.8.8"], [443, 8050], `you are ${OWN}`),
      ...all(["1.1.1.1"], [80], `you are ${OWN}`),
      ...all(["1.1.1.1"], [443, 8050], "ECONNREFUSED"),
    });
    const code = `${PROBE} return scatter(["8.8.8.8", "1.1.1.1"], [443, 8050], "off the list", "1.1.1.1")`;
    expect(await run(code, { egress })).toEqual(["1.1.1.1 80"]);
    expect(await lab.arrived("off the list")).toEqual([]);
  });

  it("does not open what is refused to all", async () => {
    const egress = { allow: [{ cidr: "0.0.0.0/0" }] };
    const hosts = [...REFUSED, DENIED, ...WORKER_ADDRESSES];
    expect(await tcp([...hosts, "8.8.8.8"], [80], { egress })).toEqual({
      ...all(hosts, [80], "ECONNREFUSED"),
      ...all(["8.8.8.8"], [80], `you are ${OWN}`),
    });
  });

  it("that is empty leaves names, and nothing more", async () => {
    const code = `${PROBE} return [await dns.promises.resolve4("public.test"), await tcp("8.8.8.8", 80)]`;
    expect(await run(code, { egress: { allow: [] } })).toEqual([["8.8.8.8"], "ECONNREFUSED"]);
  });

  it("is gone with its sandbox", async () => {
    expect(lab.worker(`nft list table inet ${table}`)).not.toContain("allow_lists { type");
    await vi.waitFor(
      () => expect(lab.worker(`nft list table inet ${table}`)).not.toMatch(/chain allow_\d/),
      WAIT,
    );
    expect(lab.worker(`nft list map inet ${table} allow_lists`)).not.toContain("goto");
  });
});

describe("links", () => {
  it("exist for parked sandboxes, so that a lease need not make one", async () => {
    await vi.waitFor(async () => {
      const stats = (await pool.ask({ action: "stats" })) as { network: string; parked: number }[];
      expect(stats.find(({ network }) => network === "egress")).toMatchObject({ parked: 1, leaked: 0 });
      expect(lab.leftovers().links).toEqual([expect.stringMatching(`^${linkPrefix}\\d+$`)]);
    }, WAIT);
  });

  it("links, addresses, routes and the table are gone when the pool is closed", async () => {
    await close();
    expect(lab.leftovers()).toEqual(NOTHING);
    expect(lab.worker(`ip route show table all root ${RANGE}`)).toBe("");
  });

  it("an address that is used again has nothing of its predecessor's: no list, no lack of one, no connection", async () => {
    await open({ range: "100.64.128.0/30", target: 0 });
    const use = async (code: string, changes: LeaseChanges = {}) =>
      (await run(
        `${PROBE} const socket = net.connect(443, "1.1.1.1"); await new Promise((next) => socket.on("connect", next));
        const address = socket.localAddress; socket.destroy(); return [address, ${code}]`,
        changes,
      )) as [string, string];
    const only = { egress: { allow: [{ cidr: "1.1.1.1" }] } };
    const free = [
      await use('await udp("8.8.8.8", 80, "first", 5000)'),
      await use('await udp("8.8.8.8", 80, "first", 5000)'),
    ];
    const addresses = ["100.64.128.1", "100.64.128.2"];
    expect(free).toEqual(addresses.map((address) => [address, `you are ${OWN}`]));
    const send = `(await scatter(["8.8.8.8"], [80], "inherited", "1.1.1.1"), await new Promise((resolve) => {
      const socket = dgram.createSocket("udp4"); socket.bind(5000, () => socket.send("inherited", 80, "8.8.8.8", () => { socket.close(); resolve("sent"); })); }),
      await udp("1.1.1.1", 80))`;
    expect([await use(send, only), await use(send, only)]).toEqual(
      addresses.map((address) => [address, `you are ${OWN}`]),
    );
    expect(await lab.arrived("inherited")).toEqual([]);
    expect(await use('await tcp("8.8.8.8", 80)')).toEqual(["100.64.128.1", `you are ${OWN}`]);
    await close();
  });

  it("the operator's resolver may run on the worker's machine: only its port 53 is reached, by the sandboxes' name for it", async () => {
    await open({ resolver: OWN });
    expect(await tcp([SANDBOX_RESOLVER, ...WORKER_ADDRESSES], [53, WORKER_PORT])).toEqual({
      ...all([SANDBOX_RESOLVER, ...WORKER_ADDRESSES], [53, WORKER_PORT], "ECONNREFUSED"),
      ...all([SANDBOX_RESOLVER], [53], "the worker's machine"),
    });
  });
});

describe("when others change the machine's firewall", () => {
  it("flushing the ruleset takes no refusal away, and no rule can be added to the table", async () => {
    lab.worker("nft flush ruleset");
    const hosts = [...REFUSED, ...WORKER_ADDRESSES];
    expect(await tcp([...hosts, "8.8.8.8"], [80], { egress: { allow: [{ cidr: "8.8.8.8" }] } })).toEqual({
      ...all(hosts, [80], "ECONNREFUSED"),
      ...all(["8.8.8.8"], [80], `you are ${OWN}`),
    });
    expect(() => lab.worker(`nft insert rule inet ${table} from_sandbox accept`)).toThrow("not permitted");
    expect(() => lab.worker(`nft delete table inet ${table}`)).toThrow("not permitted");
  });

  it("when nft itself ends, sandboxes are cut off, and those made later have a table again", async () => {
    const running = run(`${PROBE} await udp("8.8.8.8", 80, "cut me"); let said;
      do { said = await tcp("8.8.8.8", 80, 500); } while (said !== "ENETUNREACH"); return said`);
    await vi.waitFor(async () => {
      expect(await lab.arrived("cut me")).not.toEqual([]);
      const stats = (await pool.ask({ action: "stats" })) as { network: string; parked: number }[];
      expect(stats.find(({ network }) => network === "egress")).toMatchObject({ parked: 1 });
    }, WAIT);
    const children = readFileSync(`/proc/${pool.child.pid}/task/${pool.child.pid}/children`, "utf8").split(
      " ",
    );
    const nft = children.find(
      (pid) => pid !== "" && readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "nft",
    );
    process.kill(Number(nft), "SIGKILL");
    expect(await running).toBe("ENETUNREACH");
    await expect(run("return 1")).rejects.toMatchObject({ code: "EGRESS_FAILED" });
    expect(await tcp([...REFUSED, "8.8.8.8"], [80])).toEqual({
      ...all(REFUSED, [80], "ECONNREFUSED"),
      ...all(["8.8.8.8"], [80], `you are ${OWN}`),
    });
  });
});

describe("a worker that crashed", () => {
  it("leaves neither links nor the table; what was left all the same the next one removes", async () => {
    const running = run(
      `${PROBE} await udp("8.8.8.8", 80, "crash now"); await new Promise(() => setInterval(() => {}, 1000))`,
    );
    await vi.waitFor(async () => expect(await lab.arrived("crash now")).not.toEqual([]), WAIT);
    await Promise.all([expect(running).rejects.toThrow("has ended"), pool.kill()]);
    await vi.waitFor(() => expect(lab.leftovers()).toEqual(NOTHING), WAIT);

    lab.worker(`ip link add ${linkPrefix}99 type veth peer name forgotten
      nft add table inet ${table}
      nft add chain inet ${table} forgotten`);
    pool = await lab.startPool();
    await open();
    expect(lab.leftovers().links).not.toContain(`${linkPrefix}99`);
    expect(lab.worker(`nft list table inet ${table}`)).not.toContain("forgotten");
    expect(await tcp(["8.8.8.8", OWN], [80])).toEqual({
      ...all(["8.8.8.8"], [80], `you are ${OWN}`),
      ...all([OWN], [80], "ECONNREFUSED"),
    });
    await close();
  });
});

describe("opening a pool with egress", () => {
  it("where the machine does not forward says how to allow it", async () => {
    lab.worker("echo 0 > /proc/sys/net/ipv4/ip_forward");
    await expect(open()).rejects.toMatchObject({
      code: "HOST_UNSUITABLE",
      message: expect.stringContaining("sysctl -w net.ipv4.ip_forward=1"),
    });
    lab.worker("echo 1 > /proc/sys/net/ipv4/ip_forward");
  });

  it.each([
    ["itself", "192.168.77.0/24"],
    ["a part of", "192.168.0.0/16"],
    ["around", "192.168.77.128/25"],
  ])("into a range of which the machine has a route to %s says so", async (_, range) => {
    await expect(open({ range })).rejects.toMatchObject({
      code: "HOST_UNSUITABLE",
      message: expect.stringMatching(/192\.168\.77\..*MAYFLY_EGRESS_CIDR/),
    });
    expect(lab.leftovers()).toEqual(NOTHING);
  });

  it("whose table another process has fails, and takes nothing of the other's away", async () => {
    const link = `${linkPrefix}98`;
    lab.worker(`ip link add ${link} type veth peer name other`);
    const other = lab.hold(["nft", "-i"]);
    other.stdin?.write(`add table inet ${table} { flags owner; }\n`);
    await vi.waitFor(() => expect(lab.leftovers().tables).toHaveLength(1), WAIT);
    await expect(open()).rejects.toMatchObject({
      code: "EGRESS_FAILED",
      message: expect.stringContaining("MAYFLY_INSTANCE"),
    });
    expect(lab.leftovers().links).toEqual([link]);
    other.stdin?.end();
    await once(other, "exit");
    await open();
    expect(lab.leftovers().links).not.toContain(link);
    await close();
  });
});

describe("a worker that allows no egress", () => {
  it("refuses functions that ask for it, by a code of its own, and runs others", async () => {
    await pool.ask({ action: "open", instance: INSTANCE, egress: undefined });
    await expect(run("return 1")).rejects.toMatchObject({ code: "EGRESS_UNAVAILABLE" });
    expect(await run("return 1", { network: "none" })).toBe(1);
    await close();
  });
});
