/** One run as a page that stands alone: no file and no address beside it. main.ts writes it. */
import { escapeXml as esc } from "../bench/svg.ts";
import { measuredText } from "./print.ts";
import type { RampStep } from "./ramp.ts";
import type { Change, Summary } from "./results.ts";
import type { SecondOfLoad } from "./seconds-of-load.ts";
import { timePlot } from "./time-plot.ts";
import type { ServiceState } from "./watch-service.ts";

export interface Reported {
  summary: Summary;
  what: string;
  seconds: SecondOfLoad[];
  states: ServiceState[];
  /** Why there are no states. */
  fault: string | undefined;
  steps: RampStep[];
  changes: Change[];
}

const STYLE = `
:root { color-scheme: light dark; --text: #24292f; --faint: #57606a; --ground: #fff; --rule: #d0d7de;
  --c0: #0550ae; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #9a6700; --bad: #b91c1c; --good: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --faint: #9198a1; --ground: #0d1117; --rule: #30363d;
  --c0: #58a6ff; --c1: #f0883e; --c2: #3fb950; --c3: #bc8cff; --c4: #d4a72c; --bad: #ff7b72; --good: #3fb950; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; } .faint { color: var(--faint); fill: var(--faint); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; } th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--faint); } td.left { text-align: left; white-space: normal; min-width: 9rem; overflow-wrap: anywhere; } td:first-child { min-width: 3rem; }
.good { color: var(--good); } .bad { color: var(--bad); } figure { margin: 1.5rem 0; } svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; }
.grid { stroke: var(--rule); fill: none; } .line { fill: none; stroke-width: 2; } .key { white-space: nowrap; } .key::before { content: "■ "; }
@media (max-width: 40rem) { svg text { font-size: 20px; } th, td { padding-right: .5rem; } }
${[0, 1, 2, 3, 4].map((i) => `.line-${i} { stroke: var(--c${i}); } .key-${i}::before { color: var(--c${i}); }`).join("\n")}
`;

const number = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : `${Math.round(value * 100) / 100}`;

function table(head: string[], rows: string[][], leftColumns: number[] = []): string {
  const cell = (text: string, i: number) =>
    `<td${leftColumns.includes(i) ? ' class="left"' : ""}>${text}</td>`;
  return `<div class="scroll"><table><tr>${head.map((text) => `<th>${esc(text)}</th>`).join("")}</tr>
${rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("\n")}</table></div>`;
}

const section = (title: string, body: string) => (body === "" ? "" : `<h2>${esc(title)}</h2>\n${body}`);

export function reportPage(run: Reported): string {
  const { summary, what, steps, changes, fault } = run;
  const kept = summary.promises.every((promise) => promise.kept !== false);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mayfly load test: ${esc(summary.scenario)}</title><style>${STYLE}</style></head><body>
<h1>${esc(summary.scenario)} <span class="${kept ? "good" : "bad"}">${kept ? "all promises kept" : "a promise is broken"}</span></h1>
<p class="faint">${esc(what)}. ${esc(summary.startedAt)}, ${summary.machine.cpus} CPUs, Linux ${esc(summary.machine.kernel)}, k6 ${esc(summary.k6)}</p>
${summary.sustainablePerSecond === undefined ? "" : `<p>Sustainable: <b>${summary.sustainablePerSecond} invocations a second</b>.</p>`}
${section("What came to its limit, in this order", saturationList(summary))}
${section("Steps", stepTable(steps))}
${section("Promises", promiseTable(summary))}
${section("Over time", plots(run) + (fault === undefined ? "" : `<p class="bad">${esc(fault)}</p>`))}
${section(
  "Verdicts",
  table(
    ["verdict", "invocations"],
    Object.entries(summary.verdicts).map(([name, count]) => [esc(name), number(count)]),
  ),
)}
${section(
  "Figures",
  table(
    ["milliseconds, or as named", ""],
    Object.entries(summary.figures).map(([name, value]) => [esc(name), number(value)]),
  ),
)}
${section("Against the earlier run", changeTable(changes))}
</body></html>
`;
}

const saturationList = ({ saturated }: Summary) =>
  saturated.length === 0
    ? ""
    : `<ol>${saturated.map(({ resource, evidence }) => `<li><b>${esc(resource)}</b>: ${esc(evidence)}</li>`).join("")}</ol>`;

const stepTable = (steps: RampStep[]) =>
  steps.length === 0
    ? ""
    : table(
        ["rate", "answered a second", "p50 ms", "p99 ms", "failed", "dropped", "k6 CPU", ""],
        steps.map((step) => [
          number(step.rate),
          number(step.achieved),
          number(step.p50),
          number(step.p99),
          number(step.failed),
          number(step.dropped),
          `${Math.round(step.generatorCpu * 100)} %`,
          step.broken === undefined
            ? '<span class="good">sustained</span>'
            : `<span class="bad">${esc(step.broken)}</span>`,
        ]),
        [7],
      );

const promiseTable = ({ promises }: Summary) =>
  promises.length === 0
    ? ""
    : table(
        ["promise", "measured", "threshold", ""],
        promises.map((promise) => [
          esc(promise.says),
          esc(measuredText(promise)),
          esc(`${promise.metric} ${promise.threshold}`),
          promise.kept === null
            ? '<span class="faint">not measured</span>'
            : `<span class="${promise.kept ? "good" : "bad"}">${promise.kept ? "kept" : "broken"}</span>`,
        ]),
        [0, 2, 3],
      );

const changeTable = (changes: Change[]) =>
  changes.length === 0
    ? ""
    : table(
        ["", "before", "now", "ratio"],
        changes.map(({ figure, before, now, ratio }) => [
          esc(figure),
          number(before),
          number(now),
          ratio === undefined ? "" : ratio.toFixed(2),
        ]),
      );

function plots({ seconds, states }: Reported): string {
  const ofLoad = (name: string, read: (second: SecondOfLoad) => number | undefined) => ({
    name,
    points: seconds.flatMap((second): [number, number][] => {
      const value = read(second);
      return value === undefined ? [] : [[second.atMs, value]];
    }),
  });
  const ofService = (name: string, read: (state: ServiceState) => number) => ({
    name,
    points: states.map((state): [number, number] => [state.atMs, read(state)]),
  });
  return [
    timePlot("Answers", "a second", [ofLoad("ok", ({ ok }) => ok), ofLoad("failed", ({ failed }) => failed)]),
    timePlot("Latency over HTTP", "ms", [ofLoad("p50", ({ p50 }) => p50), ofLoad("p99", ({ p99 }) => p99)]),
    timePlot(
      "Where it goes (medians)",
      "ms",
      (["queue", "lease", "init", "run"] as const).map((phase) =>
        ofLoad(phase, ({ phases }) => phases[phase]),
      ),
    ),
    timePlot("Sandboxes", "count", [
      ofService("parked", ({ parked }) => parked),
      ofService("leased", ({ leased }) => leased),
      ofService("leases waiting", ({ waiting }) => waiting),
      ofService("queued in the gateway", ({ queued }) => queued),
    ]),
    timePlot("Saturation", "share", [
      ofService("CPU pressure", ({ cpuPressure }) => cpuPressure),
      ofService("worker's event loop", ({ workerLoop }) => workerLoop),
      ofService("gateway's event loop", ({ gatewayLoop }) => gatewayLoop),
      ofService("memory pressure", ({ memoryPressure }) => memoryPressure),
    ]),
  ].join("\n");
}
