/** IPv4 addresses and ranges as text and as numbers, for settings, allow-lists and the pool's egress network. */
import { z } from "zod";

const ADDRESS = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** `first` and `last`: the range's ends as 32-bit numbers. */
export interface Ipv4Range {
  first: number;
  last: number;
}

/** Undefined unless `text` is four decimal numbers of 0 to 255, without leading zeros. */
export function parseIpv4(text: string): number | undefined {
  if (!ADDRESS.test(text)) return undefined;
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** `a.b.c.d/n`, or one address. Undefined when it is neither, or has bits set behind its prefix. */
export function parseCidr(text: string): Ipv4Range | undefined {
  const match = /^([\d.]+)(?:\/(\d|[12]\d|3[0-2]))?$/.exec(text);
  const first = match?.[1] === undefined ? undefined : parseIpv4(match[1]);
  if (first === undefined) return undefined;
  const size = 2 ** (32 - Number(match?.[2] ?? 32));
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

export const contains = (outer: Ipv4Range, inner: Ipv4Range): boolean =>
  outer.first <= inner.first && inner.last <= outer.last;

export const ipv4Address = z
  .string()
  .refine((text) => parseIpv4(text) !== undefined, "must be an IPv4 address, such as 192.0.2.1");

export const ipv4Cidr = z
  .string()
  .refine(
    (text) => parseCidr(text) !== undefined,
    "must be an IPv4 range such as 8.8.8.0/24, without bits behind its prefix",
  );
