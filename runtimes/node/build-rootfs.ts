/**
 * Builds the root filesystem of nodejs24 in runtimes/node/build/rootfs: the pinned Node.js with the libraries that it
 * links to, a small shell, CA certificates, a minimal /etc, and the guest's code. Nothing else of the host.
 * Run by infra/setup.sh; does nothing when it was built from the same inputs before.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type EventHeader, encodeFrame, type InitHeader, SANDBOX_RESOLVER } from "../../contract/index.ts";

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, "../..");
const rootfs = join(here, "build/rootfs");
const building = join(here, "build/rootfs.new");
const stampFile = join(here, "build/rootfs.stamp");

const arch = process.arch === "arm64" ? "arm64" : "x64";
const inputs = {
  node: join(here, `node_modules/node-linux-${arch}/bin/node`),
  library: join(project, "native/build/libmayfly.so"),
  koffi: join(project, "node_modules/koffi"),
  koffiAddon: join(project, `node_modules/@koromix/koffi-linux-${arch}`),
  busybox: execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim(),
  certificates: "/etc/ssl/certs/ca-certificates.crt",
};

const guestFiles = readdirSync(join(here, "guest")).filter((name) => name.endsWith(".ts"));
const guestSources = [
  ...guestFiles.map((name) => `runtimes/node/guest/${name}`),
  "native/ts/zygote-library.ts",
];

/** What the zygote rehearses with (guest/warm-up.ts). */
const WARM_INIT: InitHeader = {
  type: "init",
  functionName: "warm-up",
  handler: "module.handler",
  /* More than a machine has: V8 lets its limit only be lowered. */
  memoryMb: 2 ** 20,
  environment: { WARM: "up" },
  hasLayers: false,
  report: false,
};
const WARM_EVENT: EventHeader = {
  type: "event",
  invocationId: "00000000-0000-7000-8000-000000000000",
  deadlineMs: 0,
};

function stamp(): string {
  const hash = createHash("sha256");
  const files = [inputs.library, inputs.certificates, inputs.busybox, fileURLToPath(import.meta.url)];
  files.push(join(project, "contract/egress.ts"));
  for (const file of [...files, ...guestSources.map((source) => join(project, source))]) {
    hash.update(readFileSync(file));
  }
  for (const folder of [dirname(dirname(inputs.node)), inputs.koffi, inputs.koffiAddon]) {
    hash.update(readFileSync(join(folder, "package.json")));
  }
  return hash.digest("hex");
}

function put(path: string, content: string | Buffer, mode = 0o644): void {
  mkdirSync(dirname(join(building, path)), { recursive: true });
  writeFileSync(join(building, path), content);
  chmodSync(join(building, path), mode);
}

function copy(from: string, path: string, mode = 0o644): void {
  put(path, readFileSync(from), mode);
}

/** What the dynamic linker would load for the files, by the paths at which it looks for them. */
function linkedLibraries(...files: string[]): string[] {
  const listed = files.flatMap((file) => execFileSync("ldd", [file], { encoding: "utf8" }).split("\n"));
  const paths = listed
    .map((line) => line.match(/(?:=> )?(\/\S+) \(0x/)?.[1])
    .filter((path) => path !== undefined);
  return [...new Set(paths)];
}

function installNode(): void {
  copy(inputs.node, "usr/bin/node", 0o755);
  const addon = join(inputs.koffiAddon, `linux_${arch}/koffi.node`);
  for (const library of linkedLibraries(inputs.node, addon, inputs.library)) {
    copy(realpathSync(library), library.slice(1), 0o755);
  }
}

/** A shell and the usual small tools: child_process.exec() and npm scripts expect them. */
function installShell(): void {
  copy(inputs.busybox, "bin/busybox", 0o755);
  for (const applet of execFileSync(inputs.busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
    if (applet !== "busybox") symlinkSync("busybox", join(building, "bin", applet));
  }
}

function installEtc(): void {
  put("etc/passwd", "root:x:0:0:root:/:/bin/false\nsandbox:x:1000:1000:sandbox:/tmp:/bin/sh\n");
  put("etc/group", "root:x:0:\nsandbox:x:1000:\n");
  put("etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n");
  put("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  put("etc/resolv.conf", `nameserver ${SANDBOX_RESOLVER}\noptions timeout:3 attempts:2\n`);
  put("etc/os-release", 'ID=mayfly\nNAME="Mayfly sandbox"\nVERSION_ID=nodejs24\n');
  copy(inputs.certificates, "etc/ssl/certs/ca-certificates.crt");
}

/** A function, and the frames that make the runner load and call it (guest/warm-up.ts). */
function installRehearsal(name: string, kind: "mjs" | "cjs"): void {
  const code = "async (event) => ({ hello: event.name });\n";
  const file = `var/runtime/warm/${name}`;
  put(`${file}.${kind}`, kind === "cjs" ? `exports.handler = ${code}` : `export const handler = ${code}`);
  const init = encodeFrame({ ...WARM_INIT, handler: `${name}.handler` });
  put(`${file}.frames`, Buffer.concat([init, encodeFrame(WARM_EVENT, Buffer.from('{"name":"warm-up"}'))]));
}

/** The guest's code without its types, in the folders in which it stands here, so that its imports stay right. */
function installGuest(): void {
  for (const source of guestSources) {
    const stripped = stripTypeScriptTypes(readFileSync(join(project, source), "utf8"));
    const code = stripped.replaceAll(/(from ")(\.[^"]+)\.ts"/g, '$1$2.js"');
    put(`var/runtime/${source.replace(/\.ts$/, ".js")}`, code);
  }
  put("var/runtime/package.json", '{ "type": "module" }\n');
  for (const kind of ["module", "script", "parked"])
    installRehearsal(kind, kind === "script" ? "cjs" : "mjs");
  copy(inputs.library, "var/runtime/native/build/libmayfly.so", 0o755);
  const modules = "var/runtime/node_modules";
  for (const file of ["package.json", "index.js", "src/koffi/index.js", "src/koffi/src/static.js"]) {
    copy(join(inputs.koffi, file), `${modules}/koffi/${file}`);
  }
  const addon = `@koromix/koffi-linux-${arch}`;
  for (const file of ["package.json", "index.js"]) {
    if (existsSync(join(inputs.koffiAddon, file)))
      copy(join(inputs.koffiAddon, file), `${modules}/${addon}/${file}`);
  }
  cpSync(join(inputs.koffiAddon, `linux_${arch}`), join(building, modules, addon, `linux_${arch}`), {
    recursive: true,
  });
}

/** The folders on which a sandbox mounts something, and the usual empty ones. */
function makeMountPoints(): void {
  for (const folder of ["dev", "proc", "tmp", "opt", "mnt", "var/task", "var/code"])
    mkdirSync(join(building, folder), { recursive: true });
}

/** Readable by everybody whatever the umask was, writable by nobody but root, no setuid. */
function fixModes(): void {
  execFileSync("chmod", ["-R", "u=rwX,go=rX", building]);
}

const want = stamp();
if (!existsSync(stampFile) || !existsSync(rootfs) || readFileSync(stampFile, "utf8") !== want) {
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  makeMountPoints();
  installNode();
  installShell();
  installEtc();
  installGuest();
  fixModes();
  rmSync(stampFile, { force: true });
  rmSync(rootfs, { recursive: true, force: true });
  renameSync(building, rootfs);
  writeFileSync(stampFile, want);
}
