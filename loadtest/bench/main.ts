/**
 * `npm run --silent bench`: Mayfly beside what people would use instead, in one run on one machine. Everything that is
 * made is gone at the end, on Ctrl-C too. options.ts has the command line, results.ts what `--json` prints.
 */
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { writeDocument } from "./document.ts";
import { readOptions, USAGE, UsageError } from "./options.ts";
import { printResults } from "./print-results.ts";
import { runSuites } from "./run-suites.ts";
import { Scope } from "./scope.ts";

const DOCUMENTS = fileURLToPath(new URL("../../docs", import.meta.url));
const EXIT_USAGE = 2;
/** 128 and the signal's number, as shells say it. */
const EXIT_INTERRUPTED = 130;
/** How long a suite may take to notice that everything is taken away from it. */
const SETTLE_MS = 10_000;

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") {
    console.log(USAGE);
    return 0;
  }
  const scope = new Scope();
  const ended = untilEnded();
  const running = runSuites(options, scope, say);
  try {
    const results = await Promise.race([running, ended]);
    if (results === "interrupted") {
      say("stopping");
      return EXIT_INTERRUPTED;
    }
    if (options.json) console.log(JSON.stringify(results));
    else printResults(results);
    if (options.write) await writeDocument(DOCUMENTS, results);
    return 0;
  } finally {
    await scope.close();
    await Promise.race([running.catch(() => {}), pause(SETTLE_MS)]);
  }
}

/** Resolves when somebody stops it, rejects when something throws that nobody awaits. */
function untilEnded(): Promise<"interrupted"> {
  const { promise, resolve, reject } = Promise.withResolvers<"interrupted">();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => resolve("interrupted"));
  /* Once it is being stopped, suites fail in their own ways; of that nobody wants to hear. */
  process.on("uncaughtException", reject);
  /* Whoever reads only the beginning (`| head`) does not want the rest, but everything taken down. */
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error);
    });
  return promise;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof UsageError) {
      process.stderr.write(`bench: ${error.message}\n\n${USAGE}\n`);
      process.exit(EXIT_USAGE);
    }
    console.error(error);
    process.exit(1);
  },
);
