/** `npm run test:hostile`: the hostile suite; the last line is `N passed, N failed`. */
import { runVitest } from "../../infra/run-vitest.ts";

const { passed, failed } = runVitest(["--config", "test/hostile/vitest.config.ts"]);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);
