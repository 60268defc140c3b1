/** Runs the function once and prints its answer: for contenders that are no service. `node print.mjs EVENT` */
import { handler } from "./index.mjs";

console.log(JSON.stringify(await handler(JSON.parse(process.argv[2]))));
