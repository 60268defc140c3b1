/**
 * The verdict of one invocation, from evidence alone: what came first after the event was sent (Outcome), and
 * what the kernel counted in the sandbox's cgroup (Usage), which is read only where it can matter: it costs ten files.
 * run-invocation.ts calls it.
 *
 * The kernel's counters go before what the process said or how it died: a function that the kernel killed for
 * memory may look like `exited` (SIGKILL) or `timeout` (a killed child that the handler waits for). The other way
 * round nothing is concluded: SIGKILL alone is `exited`.
 */
import { type FunctionLimits, type InvocationFault, isJson, type Verdict } from "../contract/index.ts";
import type { Outcome, Usage } from "../pool/sandbox.ts";

export interface Judgement {
  verdict: Verdict;
  /** The answer as JSON text; with verdict `ok` only. */
  body?: Buffer;
  fault?: InvocationFault;
}

export async function judgeOutcome(
  outcome: Outcome,
  readUsage: () => Usage,
  limits: FunctionLimits,
): Promise<Judgement> {
  const judgement = await judgeByItself(outcome, limits);
  // An answer is an answer, even if a helper process of the function was killed on the way.
  if (judgement.verdict === "ok") return judgement;
  const usage = readUsage();
  if (usage.oomKills > 0) {
    const message = `The sandbox used its ${limits.memoryMb} MiB of memory and the kernel killed it`;
    return { verdict: "out_of_memory", fault: { ...evidenceOfEnd(outcome), type: "OutOfMemory", message } };
  }
  if (usage.pidsLimitHits > 0) {
    const said = judgement.fault ? `; then: ${judgement.fault.type}: ${judgement.fault.message}` : "";
    const message = `The sandbox reached its limit of ${limits.pids} processes and threads${said}`;
    return { verdict: "process_limit", fault: { ...judgement.fault, type: "ProcessLimit", message } };
  }
  return judgement;
}

/** The verdict as far as the outcome alone tells. */
async function judgeByItself(outcome: Outcome, limits: FunctionLimits): Promise<Judgement> {
  switch (outcome.kind) {
    case "answer":
      return judgeAnswer(outcome);
    case "ended":
      return { verdict: "exited", fault: faultOfEnd(outcome) };
    case "timeout": {
      const message = `The function did not answer within ${limits.timeoutMs} ms and was killed`;
      const { autopsy } = outcome;
      return { verdict: "timeout", fault: { type: "Timeout", message, ...(autopsy && { autopsy }) } };
    }
    case "response_too_large":
      return { verdict: "response_too_large" };
    case "protocol_error":
      return { verdict: "protocol_error", fault: { type: "ProtocolError", message: outcome.reason } };
  }
}

async function judgeAnswer({ header, body }: Extract<Outcome, { kind: "answer" }>): Promise<Judgement> {
  if (header.status === "ok") {
    // The tenant's code can write to the control socket too, so that the answer need not be the runner's.
    if (!(await isJson(body))) {
      return {
        verdict: "protocol_error",
        fault: { type: "ProtocolError", message: "The answer is not valid JSON" },
      };
    }
    return { verdict: "ok", body };
  }
  if (!header.error) return { verdict: header.status };
  const { type, message, stack } = header.error;
  return { verdict: header.status, fault: { type, message, ...(stack && { stack }) } };
}

function faultOfEnd(outcome: Extract<Outcome, { kind: "ended" }>): InvocationFault {
  const { exitCode, signal } = outcome.end;
  const evidence = evidenceOfEnd(outcome);
  if (signal !== undefined) {
    return { ...evidence, type: "Signal", message: `The process was ended by ${signal} before it answered` };
  }
  if (exitCode !== undefined) {
    return {
      ...evidence,
      type: "Exit",
      message: `The process exited with code ${exitCode} before it answered`,
    };
  }
  return { type: "Exit", message: "The sandbox ended before its process answered, and how is not known" };
}

function evidenceOfEnd(outcome: Outcome): Pick<InvocationFault, "exitCode" | "signal"> {
  if (outcome.kind !== "ended") return {};
  const { exitCode, signal } = outcome.end;
  return { ...(exitCode !== undefined && { exitCode }), ...(signal !== undefined && { signal }) };
}
