/**
 * Huge pages and RDMA objects are reserved for all of a machine and belong to nobody's memory limit, so sandboxes get
 * none. Set once, on the folder above all sandboxes (cgroup-base.ts): limits of an ancestor count for all below it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const HUGETLB_LIMIT = /^hugetlb\..+\.(max|limit_in_bytes)$/;

/** Returns which of the two were there to be forbidden. */
export function forbidResources(folder: string): ("hugetlb" | "rdma")[] {
  const forbidden: ("hugetlb" | "rdma")[] = [];
  const pages = readdirSync(folder).filter((name) => HUGETLB_LIMIT.test(name));
  for (const file of pages) writeFileSync(`${folder}/${file}`, "0");
  if (pages.length > 0) forbidden.push("hugetlb");
  const rdma = `${folder}/rdma.max`;
  if (existsSync(rdma)) {
    // "mlx4_0 hca_handle=max hca_object=max": one line for each adapter.
    for (const line of readFileSync(rdma, "utf8").split("\n")) {
      const [adapter] = line.split(" ");
      if (adapter) writeFileSync(rdma, `${adapter} hca_handle=0 hca_object=0`);
    }
    forbidden.push("rdma");
  }
  return forbidden;
}
