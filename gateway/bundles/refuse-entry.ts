/** The error for one entry of a bundle. The entry's name is a stranger's: it is made harmless before it is shown. */
import { MayflyError } from "../../contract/index.ts";

const SHOWN_CHARACTERS = 200;

/** Control, format (bidi) and unassigned characters, line separators, quotes and backslashes as \u{…}. */
function visibleName(name: string): string {
  const characters = [...name.slice(0, 2 * SHOWN_CHARACTERS)];
  const cut = characters.length > SHOWN_CHARACTERS || name.length > 2 * SHOWN_CHARACTERS;
  return (
    characters
      .slice(0, SHOWN_CHARACTERS)
      .join("")
      .replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`) + (cut ? "…" : "")
  );
}

/** `reason` continues the sentence `entry "a/b" …`. */
export function refuseEntry(
  name: string,
  reason: string,
  code: "BUNDLE_ENTRY_REFUSED" | "BUNDLE_TOO_LARGE" | "BUNDLE_CORRUPT" = "BUNDLE_ENTRY_REFUSED",
  cause?: unknown,
): MayflyError {
  const entry = visibleName(name);
  return new MayflyError(code, {
    message: `Cannot accept the bundle: entry "${entry}" ${reason}`,
    details: { entry },
    cause,
  });
}
