/** `npm run --silent test:vm [-- SUITE...]`: run-vm-tests.ts; the last line is `N passed, N failed`. */
import { runVmTests } from "./run-vm-tests.ts";

const { passed, failed } = await runVmTests(process.argv.slice(2));
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);
