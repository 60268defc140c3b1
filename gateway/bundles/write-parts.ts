/** Writes a packed bundle to a new file, durably. Runs in the bundle thread. */
import { open, rm } from "node:fs/promises";

/** The worker reads bundles through its group or as root; nobody else does. */
const MODE = 0o640;

/** `path` must not exist. Whatever fails, no file is left. */
export async function writeParts(path: string, parts: Buffer[]): Promise<void> {
  const file = await open(path, "wx", MODE);
  try {
    // The umask may have taken bits off.
    await file.chmod(MODE);
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
