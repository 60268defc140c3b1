/**
 * Everything that a worker has around it, as one process: started by network-lab.fixture.ts in a network namespace that
 * has all of the ADDRESSES. Answers on each of them by TCP and UDP with what it saw, and plays the operator's resolver.
 * Over IPC it says "ready", and answers {id} with what arrived until then.
 */
import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { RESOLVER, SERVED_ADDRESSES, SERVED_PORTS } from "./lab-addresses.fixture.ts";

/** `protocol address port message`, and the sender. */
const arrived: { what: string; from: string }[] = [];

const address = (socket: Socket) => (socket.remoteAddress ?? "").replace("::ffff:", "");

/** Says who asks, then echoes. */
function listenTcp(host: string, port: number): Promise<void> {
  const server = createServer((socket) => {
    arrived.push({ what: `tcp ${host} ${port}`, from: address(socket) });
    socket.write(`you are ${address(socket)}\n`);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  return new Promise((resolve) => server.listen({ host, port }, resolve));
}

/** Asked `released?` it tells what was sent that begins with `release-`: functions wait for it. */
function listenUdp(host: string, port: number): Promise<void> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("message", (message, from) => {
    arrived.push({ what: `udp ${host} ${port} ${message}`, from: from.address });
    const releases = arrived
      .map(({ what }) => what.split(" ")[3] ?? "")
      .filter((word) => /^release-/.test(word));
    const answer = `${message}` === "released?" ? releases.join(" ") : `you are ${from.address}`;
    socket.send(answer, from.port, from.address);
  });
  return new Promise((resolve) => socket.bind(port, host, resolve));
}

const RECORDS: Record<string, string[]> = {
  "public.test": ["8.8.8.8"],
  /** Too many for a datagram: asked again by TCP. */
  "many.test": Array.from({ length: 60 }, (_, i) => `1.2.3.${i + 1}`),
};
const UDP_BYTES = 512;
const TYPE_A = 1;

/** RFC 1035, 4.1: one question of type A, answers that point at its name. */
function answerQuestion(query: Buffer, maxBytes: number): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  const known = RECORDS[labels.join(".").toLowerCase()];
  const answers = (type === TYPE_A ? (known ?? []) : []).map((ip) =>
    Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, ...ip.split(".").map(Number)]),
  );
  const isTooLong = 12 + question.length + answers.length * 16 > maxBytes;
  const kept = isTooLong ? [] : answers;
  const flags = 0x8180 | (isTooLong ? 0x0200 : 0) | (known ? 0 : 3);
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  for (const [i, value] of [flags, 1, kept.length].entries()) header.writeUInt16BE(value, 2 + 2 * i);
  return Buffer.concat([header, question, ...kept]);
}

function listenDns(host: string): Promise<unknown> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    arrived.push({ what: "dns udp", from: from.address });
    socket.send(answerQuestion(query, UDP_BYTES), from.port, from.address);
  });
  const server = createServer((stream) => {
    arrived.push({ what: "dns tcp", from: address(stream) });
    let read = Buffer.alloc(0);
    stream.on("error", () => {});
    stream.on("data", (data) => {
      read = Buffer.concat([read, data]);
      while (read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
        const end = 2 + read.readUInt16BE(0);
        const answer = answerQuestion(read.subarray(2, end), 65_535);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        stream.write(Buffer.concat([length, answer]));
        read = read.subarray(end);
      }
    });
  });
  return Promise.all([
    new Promise<void>((resolve) => socket.bind(53, host, resolve)),
    new Promise<void>((resolve) => server.listen(53, host, resolve)),
  ]);
}

await Promise.all([
  ...SERVED_ADDRESSES.flatMap((host) =>
    SERVED_PORTS.flatMap((port) => [listenTcp(host, port), listenUdp(host, port)]),
  ),
  listenDns(RESOLVER),
]);
process.on("message", ({ id }: { id: number }) => process.send?.({ id, value: arrived }));
process.on("disconnect", () => process.exit());
process.send?.("ready");
