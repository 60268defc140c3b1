/** Says too much, too late, twice, or what is not of the protocol. */
import { expect } from "vitest";
import { LIMITS } from "../../contract/index.ts";
import { hostileSuite } from "./hostile.fixture.ts";

const OK = '{ type: "answer", status: "ok" }';

hostileSuite("output and answers", [
  {
    title: "a flood on stdout is cut, counted, and holds nobody up",
    code: `for (let i = 0; i < 300; i++) fs.writeSync(1, "x".repeat(65535) + "\\n"); return 1`,
    limits: { timeoutMs: 10_000 },
    check: ({ log }) => {
      expect(log.droppedBytes).toBe(300 * 65_536 - LIMITS.logBytes);
      expect(log.text).toContain("[mayfly: log truncated");
    },
  },
  {
    title: "a line without an end is cut",
    code: `for (let i = 0; i < 40; i++) fs.writeSync(2, "y".repeat(65536)); return 1`,
    limits: { timeoutMs: 10_000 },
    check: ({ log }) => expect(log.text.length).toBeLessThan(LIMITS.logBytes + 200),
  },
  {
    title: "control characters, NUL and broken UTF-8 in the log do no harm",
    code: `fs.writeSync(1, Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0, 0xff, 0xfe, 0xc3, 0x28, 10])); return 1`,
    check: ({ log }) => expect(log.text).toBe("\u001b[2J\0\ufffd\ufffd\ufffd(\n"),
  },
  {
    title: "a huge answer is refused",
    code: `return "z".repeat(7 << 20)`,
    limits: { memoryMb: 256, timeoutMs: 10_000 },
    verdict: "response_too_large",
  },
  {
    title: "a forged length above the limit is refused before a byte of it is kept",
    code: "const prefix = Buffer.alloc(8); prefix.writeUInt32LE(2, 0); prefix.writeUInt32LE(0xffffffff, 4); fs.writeSync(control(), prefix); await forever();",
    verdict: "response_too_large",
  },
  {
    title: "a forged header length above the limit breaks the protocol",
    code: "fs.writeSync(control(), Buffer.alloc(8, 0xff)); await forever();",
    verdict: "protocol_error",
  },
  {
    title: "garbage on the control socket breaks the protocol",
    code: `fs.writeSync(control(), Buffer.from("GET / HTTP/1.1\\r\\n\\r\\n")); await forever();`,
    verdict: "protocol_error",
  },
  {
    title: "a header that is not JSON breaks the protocol",
    code: `fs.writeSync(control(), frame("{oops")); await forever();`,
    verdict: "protocol_error",
  },
  {
    title: "a header with a field too many breaks the protocol",
    code: `fs.writeSync(control(), frame({ type: "answer", status: "ok", verdict: "ok" }, "1")); await forever();`,
    verdict: "protocol_error",
  },
  {
    title: "a second ready, instead of an answer, breaks the protocol",
    code: `fs.writeSync(control(), frame({ type: "ready" })); await forever();`,
    verdict: "protocol_error",
  },
  {
    title: "a stack that nobody asked for breaks the protocol",
    code: `fs.writeSync(control(), frame({ type: "stack", stack: [] })); await forever();`,
    verdict: "protocol_error",
  },
  {
    title: "a forged answer that is not JSON breaks the protocol",
    code: `fs.writeSync(control(), frame(${OK}, "not json")); await forever();`,
    verdict: "protocol_error",
  },
  {
    title: "two answers in one write break the protocol",
    code: `fs.writeSync(control(), Buffer.concat([frame(${OK}, "1"), frame(${OK}, "2")])); await forever();`,
    verdict: "protocol_error",
  },
  {
    title: "of two answers the first counts",
    code: `fs.writeSync(control(), frame(${OK}, '"first"')); await new Promise((done) => setTimeout(done, 20)); return "second"`,
    check: ({ value }) => expect(value).toBe("first"),
  },
  {
    title: "an answer that comes byte by byte and never ends is ended at the time limit",
    code: `const bytes = frame(${OK}, "1".repeat(1e6)); for (let i = 0; ; i++) { fs.writeSync(control(), bytes, i, 1); await new Promise((done) => setTimeout(done, 10)); }`,
    verdict: "timeout",
  },
  {
    title: "a large answer that comes in crumbs does not fill the worker's memory",
    code: `const bytes = frame(${OK}, " ".repeat(2 << 20)), fd = control(); let at = 0;
      while (at < bytes.length - 1) try { at += fs.writeSync(fd, bytes, at, Math.min(64, bytes.length - 1 - at)); } catch {} await forever();`,
    verdict: "timeout",
  },
  {
    title: "a control socket that is closed is no answer",
    code: "fs.closeSync(control()); await forever();",
    verdict: ["timeout", "exited"],
  },
  {
    title: "an answer that is not JSON is the function's error",
    code: "const circle = {}; circle.self = circle; return circle",
    verdict: "function_error",
  },
  {
    title: "an error with hostile getters is described, not run through",
    code: `throw Object.defineProperty(new Error("x"), "message", { get() { throw new Error("got"); } })`,
    verdict: "function_error",
  },
  {
    title: "an error with an endless message is cut",
    code: `throw new Error("m".repeat(1 << 20))`,
    verdict: "function_error",
    check: ({ message }) => expect(message.length).toBeLessThan(20_000),
  },
]);
