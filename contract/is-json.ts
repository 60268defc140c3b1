/**
 * Whether bytes are one JSON text (RFC 8259), for what strangers write: events at the gateway, answers at the worker.
 *
 * JSON.parse() builds what it reads: six megabytes of `[[[[` are millions of arrays and hold the event loop for the best
 * part of a second. This reads and builds nothing, and lets others have their turn every SLICE_BYTES.
 */
import { isUtf8 } from "node:buffer";
import { setImmediate } from "node:timers/promises";

/** Up to here JSON.parse() is quicker and cannot take long. Also the limit to nesting: what is deeper is refused. */
const SMALL_BYTES = 16_384;
const SLICE_BYTES = 65_536;

/** What may come next. `closing`: the innermost array or object may end here, having nothing in it yet. */
type Expected = "value" | "value or closing" | "key" | "key or closing" | "comma or closing" | "end";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const [ARRAY, ARRAY_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];
const LITERALS = ["true", "false", "null"].map((text) => Buffer.from(text));

const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;

export async function isJson(bytes: Uint8Array): Promise<boolean> {
  if (!isUtf8(bytes)) return false;
  if (bytes.length <= SMALL_BYTES) return parses(bytes);
  const scanner = new Scanner(bytes);
  while (scanner.run(SLICE_BYTES)) await setImmediate();
  return scanner.isDone;
}

function parses(bytes: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
    return true;
  } catch {
    return false;
  }
}

class Scanner {
  isDone = false;
  readonly #bytes: Uint8Array;
  #at = 0;
  #expected: Expected = "value";
  /** Whether each open one is an object, outermost first. */
  readonly #open = new Uint8Array(SMALL_BYTES);
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads on for about `length` bytes, always whole tokens. False when it is decided: then `isDone` tells. */
  run(length: number): boolean {
    const until = this.#at + length;
    while (this.#at < until) {
      this.#skipSpace();
      if (this.#at === this.#bytes.length) {
        this.isDone = this.#expected === "end";
        return false;
      }
      if (!this.#token()) return false;
    }
    return true;
  }

  #token(): boolean {
    const byte = this.#bytes[this.#at] as number;
    switch (this.#expected) {
      case "end":
        return false;
      case "comma or closing":
        if (byte !== COMMA) return this.#close(byte);
        this.#at += 1;
        this.#expected = this.#isInObject() ? "key" : "value";
        return true;
      case "key or closing":
        return byte === OBJECT_END ? this.#close(byte) : this.#key();
      case "key":
        return this.#key();
      case "value or closing":
        return byte === ARRAY_END ? this.#close(byte) : this.#value(byte);
      case "value":
        return this.#value(byte);
    }
  }

  #value(byte: number): boolean {
    if (byte === OBJECT || byte === ARRAY) return this.#enter(byte === OBJECT);
    const isWhole = byte === QUOTE ? this.#string() : this.#literal() || this.#number();
    this.#expected = this.#depth === 0 ? "end" : "comma or closing";
    return isWhole;
  }

  #enter(isObject: boolean): boolean {
    if (this.#depth === this.#open.length) return false;
    this.#open[this.#depth++] = Number(isObject);
    this.#at += 1;
    this.#expected = isObject ? "key or closing" : "value or closing";
    return true;
  }

  #close(byte: number): boolean {
    if (byte !== (this.#isInObject() ? OBJECT_END : ARRAY_END)) return false;
    this.#depth -= 1;
    this.#at += 1;
    this.#expected = this.#depth === 0 ? "end" : "comma or closing";
    return true;
  }

  #isInObject(): boolean {
    return this.#open[this.#depth - 1] === 1;
  }

  #key(): boolean {
    if (this.#bytes[this.#at] !== QUOTE || !this.#string()) return false;
    this.#skipSpace();
    if (this.#bytes[this.#at] !== COLON) return false;
    this.#at += 1;
    this.#expected = "value";
    return true;
  }

  #skipSpace(): void {
    while (isSpace(this.#bytes[this.#at])) this.#at += 1;
  }

  /** From its first quote to behind its last. */
  #string(): boolean {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (byte < 0x20) return false;
      if (byte === BACKSLASH) {
        const escaped = String.fromCharCode(bytes[++at] ?? 0);
        if (escaped === "u") {
          const digits = String.fromCharCode(...bytes.subarray(at + 1, at + 5));
          if (!/^[\da-fA-F]{4}$/.test(digits)) return false;
          at += 4;
        } else if (!'"\\/bfnrt'.includes(escaped)) return false;
      }
    }
    return false;
  }

  #literal(): boolean {
    const literal = LITERALS.find((text) =>
      text.every((byte, index) => this.#bytes[this.#at + index] === byte),
    );
    if (literal === undefined) return false;
    this.#at += literal.length;
    return true;
  }

  #number(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] === 0x2d) this.#at += 1;
    if (bytes[this.#at] === 0x30) this.#at += 1;
    else if (!this.#digits()) return false;
    if (bytes[this.#at] === 0x2e) {
      this.#at += 1;
      if (!this.#digits()) return false;
    }
    if (bytes[this.#at] === 0x65 || bytes[this.#at] === 0x45) {
      this.#at += 1;
      if (bytes[this.#at] === 0x2b || bytes[this.#at] === 0x2d) this.#at += 1;
      if (!this.#digits()) return false;
    }
    return true;
  }

  /** At least one. */
  #digits(): boolean {
    const start = this.#at;
    while (isDigit(this.#bytes[this.#at])) this.#at += 1;
    return this.#at > start;
  }
}
