/** Reaches for what belongs to others: the host, the network, predecessors, siblings. */
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect } from "vitest";
import { hostileSuite } from "./hostile.fixture.ts";

const ABSTRACT = "\0mayfly-hostile-bystander";
const PORT = 48_123;

/** What listens on the host: reachable from here, and from no sandbox. */
const servers: Server[] = [];
beforeAll(async () => {
  for (const address of [{ path: ABSTRACT }, { host: "0.0.0.0", port: PORT }]) {
    const server = createServer((socket) => socket.end("the host"));
    await new Promise<void>((resolve) => server.listen(address, resolve));
    servers.push(server);
  }
});
afterAll(() => {
  for (const server of servers) server.close();
});

const hostAddresses = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ family, internal }) => family === "IPv4" && !internal)
  .map(({ address }) => address);

/** Answers with the addresses that were reached. */
const CONNECT = `const reach = (target) => new Promise((resolve) => { const socket = net.connect(target);
    socket.on("connect", () => resolve(true)); socket.on("error", () => resolve(false)); socket.setTimeout(500, () => resolve(false)); });
  const reached = []; for (const target of event.targets) if (await reach(target)) reached.push(target); return reached`;

const RESIDUE = `const marks = ["/tmp/mark", "/dev/shm/mark"]; const seen = marks.filter((path) => fs.existsSync(path)).concat(Object.keys(process.env).filter((name) => name === "MARK"),
  globalThis.mark ? ["global"] : [], cp.execSync("ipcs -a 2>/dev/null | grep -c 0x0000beef || true", { encoding: "utf8" }).trim() === "0" ? [] : ["ipc"]);
  for (const path of marks) fs.writeFileSync(path, "mine"); process.env.MARK = "1"; globalThis.mark = 1; Object.prototype.marked = 1; return seen`;

const ENTROPY = `const crypto = process.getBuiltinModule("crypto"); return [Math.random(), crypto.randomUUID(), crypto.randomBytes(8).toString("hex"),
  fs.readFileSync("/proc/sys/kernel/random/uuid", "utf8"), String(performance.timeOrigin), fs.readFileSync("/proc/self/auxv").toString("hex").length > 0]`;

const drawn: unknown[] = [];

hostileSuite("neighbours", [
  {
    title: "the metadata address, private ranges and the world are out of reach",
    code: CONNECT,
    event: {
      targets: ["169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "1.1.1.1"].map(
        (host) => ({ host, port: 80 }),
      ),
    },
    limits: { timeoutMs: 10_000 },
    check: ({ value }) => expect(value).toEqual([]),
  },
  {
    title: "what listens on the host is out of reach, by loopback and by its addresses",
    code: CONNECT,
    event: {
      targets: ["127.0.0.1", "::1", "0.0.0.0", ...hostAddresses].map((host) => ({ host, port: PORT })),
    },
    limits: { timeoutMs: 10_000 },
    check: ({ value }) => expect(value).toEqual([]),
  },
  {
    title: "abstract sockets of the host are out of reach",
    code: CONNECT,
    event: { targets: [{ path: ABSTRACT }] },
    check: ({ value }) => expect(value).toEqual([]),
  },
  {
    title: "UDP and broadcast leave no sandbox",
    code: `const socket = process.getBuiltinModule("dgram").createSocket("udp4"); return await new Promise((resolve) => socket.send("x", 53, "8.8.8.8", (error) => resolve(error ? error.code : "sent")))`,
    check: ({ value }) => expect(value).toBe("ENETUNREACH"),
  },
  ...[1, 2, 3].map((turn) => ({
    title: `files, variables, globals and IPC of a predecessor are gone (turn ${turn})`,
    code: RESIDUE,
    check: ({ value }: { value: unknown }) => expect(value).toEqual([]),
  })),
  ...[1, 2, 3].map((turn) => ({
    title: `siblings draw different random numbers (turn ${turn})`,
    code: ENTROPY,
    check: ({ value }: { value: unknown[] }) => {
      const numbers = value.slice(0, 5);
      expect(drawn.filter((number) => numbers.includes(number))).toEqual([]);
      drawn.push(...numbers);
    },
  })),
  {
    title: "what all sandboxes share cannot be poisoned",
    code: `return ["/var/runtime/runtimes/node/guest/serve-invocation.js", "/var/task/index.mjs", "/usr/bin/node", "/bin/sh", "/etc/hosts", "/etc/resolv.conf", "/dev/null/x", "/opt/x"].filter((path) => {
      for (const attempt of [() => fs.writeFileSync(path, "poison"), () => fs.unlinkSync(path), () => fs.renameSync(path, path + ".old"), () => fs.chmodSync(path, 0o777), () => fs.truncateSync(path)])
        try { attempt(); return true; } catch {}
      return false; })`,
    check: ({ value }) => expect(value).toEqual([]),
  },
  {
    title: "processes of siblings and of the host are not seen and cannot be signalled",
    code: `const seen = fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)); const signalled = [];
      for (let pid = 4; pid < 4000; pid++) try { process.kill(pid, 0); signalled.push(pid); } catch {} return [seen, signalled]`,
    check: ({ value }) => expect(value).toEqual([["1", "3"], []]),
  },
  {
    title: "locks and message queues of others are not seen",
    code: `return [fs.readFileSync("/proc/sysvipc/shm", "utf8"), fs.readFileSync("/proc/sysvipc/msg", "utf8")].map((text) => text.trim().split("\\n").length)`,
    check: ({ value }) => expect(value).toEqual([1, 1]),
  },
  {
    title: "its users are nobody outside",
    code: `return fs.readFileSync("/proc/self/uid_map", "utf8").trim().split(/\\s+/).map(Number)`,
    check: ({ value }) => {
      expect(value[0]).toBe(0);
      expect(value[1]).toBeGreaterThan(1_879_000_000);
      expect(value[2]).toBe(65_536);
    },
  },
]);
