/** What functions of egress.itest.ts are made of: JavaScript text that looks around in the network. */

export const PROBE = `
const net = require("net"), dgram = require("dgram"), dns = require("dns");
/** The first thing that it says, or how it fails. */
const tcp = (host, port, waitMs = 5000) => new Promise((resolve) => {
  const socket = net.connect({ host, port });
  socket.on("data", (data) => { resolve(String(data).trim()); socket.destroy(); });
  socket.on("error", (error) => resolve(error.code));
  socket.setTimeout(waitMs, () => { resolve("silence"); socket.destroy(); });
});
/** The answer, sent again until there is one. */
const udp = (host, port, message = "hello", local = 0) => new Promise((resolve, reject) => {
  const socket = dgram.createSocket("udp4");
  const send = () => socket.send(message, port, host, (error) => error && done(error.code));
  const timer = setInterval(send, 200);
  const done = (what) => { clearInterval(timer); socket.close(); resolve(what); };
  socket.on("message", (answer) => done(String(answer)));
  socket.bind(local, send);
});
/** Sends to all, then asks one that answers: what has come by then from whom. */
const scatter = (hosts, ports, message, barrier) => new Promise((resolve) => {
  const socket = dgram.createSocket("udp4"), heard = [];
  socket.on("message", (answer, from) => {
    heard.push(from.address + " " + from.port);
    if (from.address === barrier) { socket.close(); resolve(heard); }
  });
  socket.bind(0, async () => {
    for (const host of hosts) for (const port of ports) await new Promise((next) => socket.send(message, port, host, next));
    socket.send("barrier", 80, barrier);
  });
});
const released = async (token) => { while (!(await udp("8.8.8.8", 80, "released?")).includes(token)) await new Promise((next) => setTimeout(next, 50)); };
`;

export interface Probe {
  /** host:port → what it said. */
  [target: string]: string;
}

/** Answers with what each target said by TCP. */
export const tcpCode = (hosts: string[], ports: number[]): string => `${PROBE}
const said = {};
await Promise.all(${JSON.stringify(hosts)}.flatMap((host) => ${JSON.stringify(ports)}.map(async (port) => {
  said[host + ":" + port] = await tcp(host, port);
})));
return said;`;
