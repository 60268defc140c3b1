/**
 * How an invocation ended. The worker decides the verdict from evidence (an answer, an exit status, cgroup
 * counters, a clock) and never guesses; the gateway only translates it into HTTP by this table.
 */
export const VERDICTS = {
  ok: { httpStatus: 200, title: "The function answered" },
  function_error: { httpStatus: 502, title: "The function threw an error" },
  init_error: { httpStatus: 502, title: "The function's code could not be loaded" },
  timeout: { httpStatus: 504, title: "The function ran past its time limit and was killed" },
  out_of_memory: { httpStatus: 502, title: "The function used more memory than its limit and was killed" },
  process_limit: { httpStatus: 502, title: "The function failed after reaching its limit of processes" },
  exited: { httpStatus: 502, title: "The function's process ended before answering" },
  response_too_large: { httpStatus: 502, title: "The function's answer is larger than the limit" },
  protocol_error: { httpStatus: 502, title: "The function's process broke the protocol" },
  queue_timeout: { httpStatus: 503, title: "The invocation was not started in time" },
  unavailable: { httpStatus: 503, title: "The worker does not offer what the function asks for" },
  throttled: { httpStatus: 429, title: "Too many invocations are waiting or running" },
  worker_lost: { httpStatus: 503, title: "The worker that ran the invocation was lost" },
  cancelled: { httpStatus: 499, title: "The caller went away" },
  internal: { httpStatus: 500, title: "Mayfly failed" },
} as const satisfies Record<string, { httpStatus: number; title: string }>;

export type Verdict = keyof typeof VERDICTS;

/** Every verdict, in the order of the table. */
export const VERDICT_NAMES = Object.keys(VERDICTS) as [Verdict, ...Verdict[]];
