/**
 * What two sides must agree on: words, schemas, limits, verdicts, error codes, names in Redis. Imports nothing
 * of ours.
 *
 * Terminology
 * - function: a name, its configuration and its bundle.
 * - bundle: the uploaded zip or tar.gz, stored in packed form by its SHA-256 digest.
 * - layer: a bundle with a name of its own that functions find merged with others at /opt.
 * - runtime: what runs a bundle, such as `nodejs24`.
 * - invocation: one event given to one function. verdict: how it ended.
 * - namespace set: mount, pid, net, ipc, uts, user and cgroup namespaces kept alive by a mini-init, its PID 1.
 * - sandbox: a namespace set + its cgroup + a process of a runtime inside it. parked: waiting for its one event.
 *   leased: working.
 * - zygote: a trusted, warmed process of a runtime from which sandboxes' processes are forked.
 * - receipt: what an invocation cost and how its sandbox was taken down.
 */
export type { Autopsy } from "./autopsy.ts";
export { type CodeFile, decodeCodeFiles } from "./code-files.ts";
export {
  type EgressPolicy,
  type EgressRule,
  egressPolicy,
  NETWORKS,
  type Network,
  REFUSED_RANGES,
  SANDBOX_RESOLVER,
  whyRefused,
} from "./egress.ts";
export { ERROR_CODES, type ErrorCode } from "./error-codes.ts";
export {
  bundleDigest,
  completeLimits,
  type FunctionConfig,
  type FunctionLimits,
  functionConfig,
  functionLimits,
  functionName,
  layerName,
  RUNTIMES,
  type Runtime,
  volumeName,
} from "./function-config.ts";
export {
  type EventHeader,
  encodeFrame,
  FRAME_HEADER_MAX_BYTES,
  FRAME_PREFIX_BYTES,
  type GuestHeader,
  guestHeader,
  type InitHeader,
  type WorkerHeader,
} from "./guest-frames.ts";
export { HOST_IDS } from "./host-ids.ts";
export {
  INVOCATION_QUEUE,
  type InvocationJob,
  invocationId,
  invocationJob,
  replyList,
} from "./invocation-job.ts";
export {
  decodeReply,
  encodeReply,
  type InvocationFault,
  type InvocationReply,
  type InvocationTimings,
  invocationReply,
} from "./invocation-reply.ts";
export { contains, formatIpv4, type Ipv4Range, ipv4Address, ipv4Cidr, parseCidr, parseIpv4 } from "./ipv4.ts";
export { isJson } from "./is-json.ts";
export { LIMITS } from "./limits.ts";
export { MayflyError } from "./mayfly-error.ts";
export {
  type BundleEntry,
  type BundleManifest,
  bundleEntry,
  bundleManifest,
  bundlePath,
  linkStaysInside,
} from "./packed-bundle.ts";
export {
  type DeployedFunction,
  deploymentKey,
  PREWARM_CHANGED,
  PREWARM_FUNCTIONS,
  type PrewarmFunction,
  prewarmFunction,
} from "./prewarm.ts";
export type { Receipt } from "./receipt.ts";
export { type TraceContext, traceContext } from "./trace-context.ts";
export { VERDICT_NAMES, VERDICTS, type Verdict } from "./verdicts.ts";
export {
  ANNOUNCE,
  WORKER_ANNOUNCEMENTS,
  type WorkerAnnouncement,
  workerAnnouncement,
} from "./worker-announcement.ts";
export {
  type PoolDecision,
  type PoolSizeReason,
  type PoolStatus,
  poolStatus,
  SANDBOX_STATES,
  type SandboxStatus,
  STATUS_SOCKET,
  sandboxStatus,
  type WorkerStatus,
  workerStatus,
} from "./worker-status.ts";
