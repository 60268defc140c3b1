/** A warm process of a runtime, from which the processes of sandboxes are forked. Made by Spawner.startZygote(). */
import { MayflyError } from "../../contract/index.ts";
import { Channel, EVENT, OP } from "./channel.ts";
import type { JoinFds, NamespaceSet } from "./namespace-set.ts";

export class Zygote {
  /** Resolves when it can be forked. */
  readonly ready: Promise<void>;
  readonly #channel: Channel;

  constructor(fd: number, runtime: string, onEnd: () => void) {
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    ready.promise.catch(() => {}); // whoever starts a zygote hears of it by the request that failed
    this.#channel = new Channel(fd, {
      peer: `the zygote of ${runtime}`,
      code: "ZYGOTE_FAILED",
      onEvent: (event) => {
        if (event.op === EVENT.hello) ready.resolve();
      },
      onClose: () => {
        ready.reject(
          new MayflyError("ZYGOTE_FAILED", {
            message: `Cannot warm the zygote of ${runtime}: it ended; see its message above`,
          }),
        );
        onEnd();
      },
    });
  }

  /** Forks a process into the set and its cgroup. The descriptors stay the caller's. Errors: ZYGOTE_FAILED. */
  async fork(set: NamespaceSet, { control, log, cgroup }: JoinFds): Promise<void> {
    const request = {
      op: OP.fork,
      uidBase: set.uidBase,
      fds: [set.pidfd, control, log, set.gate, ...cgroup],
    };
    await this.#channel.request("Cannot fork the zygote into a sandbox", request);
  }

  /** Ends it; what was forked from it lives on. */
  close(): void {
    this.#channel.close();
  }
}
