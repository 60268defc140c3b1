/**
 * The whole block devices behind folders, as io limits need them: the kernel throttles neither partitions nor file
 * systems. For cgroup-base.ts and the probe.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

export interface BlockDevices {
  /** Each once, as `major:minor`. */
  devices: string[];
  /** One sentence for each folder that is on none. */
  missing: string[];
}

/** Linux's encoding of dev_t in 64 bits, makedev(3). */
const numbersOf = (dev: bigint) => ({
  major: Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)),
  minor: Number((dev & 0xffn) | ((dev >> 12n) & ~0xffn)),
});

/** Of the folder itself, or of the one in which it will be made. */
function existing(folder: string): string {
  let path = resolve(folder);
  while (!existsSync(path)) path = dirname(path);
  return path;
}

/**
 * btrfs and its like give their files a device number that is no block device (major 0) and name the real one as
 * the mount's source; overlay, tmpfs and virtiofs have none at all.
 */
function deviceOf(folder: string, mountinfo: string): { device: string } | { fault: string } {
  const path = existing(folder);
  const { major, minor } = numbersOf(statSync(path, { bigint: true }).dev);
  const device = `${major}:${minor}`;
  if (existsSync(`/sys/dev/block/${device}`)) return { device };
  const line = mountinfo.split("\n").find((one) => one.split(" ")[2] === device);
  const [type = "unknown", source = ""] = line?.split(" - ")[1]?.split(" ") ?? [];
  if (source.startsWith("/") && statSync(source, { throwIfNoEntry: false })?.isBlockDevice()) {
    const own = numbersOf(statSync(source, { bigint: true }).rdev);
    return { device: `${own.major}:${own.minor}` };
  }
  return { fault: `${folder} is on a file system without a block device of its own (${type})` };
}

/** A partition's disk; anything else is whole already. */
function wholeDevice(device: string): string {
  const folder = `/sys/dev/block/${device}`;
  return existsSync(`${folder}/partition`) ? readFileSync(`${folder}/../dev`, "utf8").trim() : device;
}

export function blockDevicesOf(folders: string[]): BlockDevices {
  const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
  const devices = new Set<string>();
  const missing: string[] = [];
  for (const folder of folders) {
    const found = deviceOf(folder, mountinfo);
    if ("fault" in found) missing.push(found.fault);
    else devices.add(wholeDevice(found.device));
  }
  return { devices: [...devices].sort(), missing };
}
