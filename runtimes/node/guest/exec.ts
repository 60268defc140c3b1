/** A sandbox's process that was executed, not forked: where the zygote's self-test failed. Nothing to mend but exits. */

import { serveInvocation } from "./serve-invocation.ts";
import { installSyncStreams } from "./sync-stream.ts";

installSyncStreams();
await serveInvocation(3);
