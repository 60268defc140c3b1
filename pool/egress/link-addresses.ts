/** Hands out sandboxes' addresses of the operator's range; no two that live have the same. */
import { formatIpv4, type Ipv4Range, MayflyError } from "../../contract/index.ts";

export class LinkAddresses {
  readonly #range: Ipv4Range;
  readonly #free: number[] = [];
  #next = 1;

  constructor(range: Ipv4Range) {
    this.#range = range;
  }

  /** `index`: of the address in its range; also in the link's name. Errors: EGRESS_FAILED when all are taken. */
  take(): { index: number; address: string } {
    const { first, last } = this.#range;
    /* Fresh ones first: answers to a sandbox that is gone may still be under way to its address. */
    const index = first + this.#next < last ? this.#next++ : this.#free.shift();
    if (index === undefined) {
      throw new MayflyError("EGRESS_FAILED", {
        message: `Cannot give a sandbox an address: all ${last - first - 1} of MAYFLY_EGRESS_CIDR are in use`,
      });
    }
    return { index, address: formatIpv4(first + index) };
  }

  give(index: number): void {
    this.#free.push(index);
  }
}
