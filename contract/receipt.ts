import type { Autopsy } from "./autopsy.ts";

/** What an invocation cost and how its sandbox was taken down; logged once by the worker after teardown. */
export interface Receipt {
  invocationId: string;
  functionName: string;
  verdict: string;
  /** CPU time of all processes of the sandbox, microseconds. */
  cpuUs: number;
  /** Time that the CPU quota held the sandbox back, microseconds. */
  throttledUs: number;
  /** Highest memory use, bytes. */
  memoryPeakBytes: number;
  /** How often the kernel killed for memory, and how often a fork met the pids limit. */
  oomKills: number;
  pidsLimitHits: number;
  /** Read from and written to disks, in bytes and operations; 0 where the machine does not count them. */
  ioReadBytes: number;
  ioWrittenBytes: number;
  ioReads: number;
  ioWrites: number;
  /** Bytes written to stdout and stderr, and how many of them were dropped. */
  logBytes: number;
  logDroppedBytes: number;
  /** With a timeout: what the function was doing. */
  autopsy?: Autopsy;
  /** From cgroup.kill until every process was gone, the cgroup empty, and removed, microseconds. */
  killedUs: number;
  emptiedUs: number;
  removedUs: number;
  /** True when something of the sandbox could not be removed. */
  leaked: boolean;
}
