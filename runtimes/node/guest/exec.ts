/** A sandbox's process that was executed, not forked: where the zygote's self-test failed. Little to mend. */

import { mendNetworkInterfaces } from "./mend-process.ts";
import { prepareStackReport, prepareUncaught, serveInvocation } from "./serve-invocation.ts";
import { installSyncStreams } from "./sync-stream.ts";

installSyncStreams();
mendNetworkInterfaces();
prepareStackReport();
prepareUncaught();
await serveInvocation();
