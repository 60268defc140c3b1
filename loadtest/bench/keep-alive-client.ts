/**
 * One HTTP/1.1 connection that sends the same POST again and again, one at a time. Written by hand on a socket: the load
 * generator shares its machine with what it measures, and a general client costs five times the CPU.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Target {
  port: number;
  path: string;
  /** Sent as a bearer token. */
  key?: string;
  body: string;
}

export interface Response {
  status: number;
  body: string;
}

const HEAD_END = "\r\n\r\n";
const CHUNKS_END = "0\r\n\r\n";

export class KeepAliveClient {
  readonly #socket: Socket;
  readonly #request: string;
  #received = "";
  #response: PromiseWithResolvers<Response> | undefined;

  private constructor(socket: Socket, request: string) {
    this.#socket = socket;
    this.#request = request;
    socket.setEncoding("latin1");
    socket.setNoDelay(true);
    socket.on("data", (chunk: string) => this.#receive(chunk));
    socket.on("error", (error) => this.#response?.reject(error));
    socket.on("close", () => this.#response?.reject(new Error("the connection was closed")));
  }

  static async connect({ port, path, key, body }: Target): Promise<KeepAliveClient> {
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect");
    const authorization = key === undefined ? "" : `Authorization: Bearer ${key}\r\n`;
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${authorization}Content-Type: application/json`;
    return new KeepAliveClient(socket, `${head}\r\nContent-Length: ${body.length}${HEAD_END}${body}`);
  }

  /** One at a time. Rejects when the connection breaks. */
  post(): Promise<Response> {
    this.#received = "";
    this.#response = Promise.withResolvers<Response>();
    this.#socket.write(this.#request);
    return this.#response.promise;
  }

  close(): void {
    this.#response = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const response = parseResponse(this.#received);
    if (response !== undefined) this.#response?.resolve(response);
  }
}

/** Undefined while it is not complete. Bodies in one chunk and in ASCII, as the contenders answer. */
export function parseResponse(text: string): Response | undefined {
  const end = text.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const rest = text.slice(end + HEAD_END.length);
  const status = Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3));
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) {
    return rest.length < Number(length) ? undefined : { status, body: rest.slice(0, Number(length)) };
  }
  if (!rest.endsWith(CHUNKS_END)) return undefined;
  const [, size = "0", body = ""] = /^([0-9a-f]+)\r\n(.*)$/is.exec(rest) ?? [];
  return { status, body: body.slice(0, Number.parseInt(size, 16)) };
}
