/** The floor: programs/floor.c, which loops clone3 with a sandbox's namespaces and none of our layers. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Coprocess } from "./coprocess.ts";
import type { Programs } from "./programs.ts";
import type { Scope } from "./scope.ts";

const NS_PER_MS = 1e6;
const run = promisify(execFile);

/** A contender's open(): clone, exec of /noop, wait. */
export async function openFloor(scope: Scope, programs: Programs): Promise<() => Promise<number>> {
  const coprocess = new Coprocess(scope, programs.floor, [programs.noopRoot, "cycle"]);
  return async () => {
    const took = Number(await coprocess.ask());
    if (!(took > 0)) throw new Error("the floor's time is not a number");
    return took / NS_PER_MS;
  };
}

/** How many sandboxes of nothing but namespaces the machine makes and kills in a second, on two processes. */
export async function floorRate(programs: Programs, seconds: number): Promise<number> {
  const loop = async () => {
    const { stdout } = await run(programs.floor, [programs.noopRoot, "rate", `${seconds}`]);
    return Number(stdout);
  };
  const counts = await Promise.all([loop(), loop()]);
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}
