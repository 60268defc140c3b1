/** `npm run test:observability`: Prometheus, its rules, dashboards; the last line is `N passed, N failed`. */
import { runVitest } from "../run-vitest.ts";

const { passed, failed } = runVitest(["--config", "infra/observability/vitest.config.ts"]);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);
