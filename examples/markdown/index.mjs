/** Turns Markdown into HTML with a dependency from npm: the bundle brings its node_modules along. */
import { marked } from "marked";

/** Event: `{ markdown: string }`. Answer: `{ html: string, headings: string[] }`. */
export const handler = async ({ markdown }) => {
  if (typeof markdown !== "string") throw new TypeError('the event must have the form {"markdown": "…"}');
  const tokens = marked.lexer(markdown);
  const headings = tokens.filter((token) => token.type === "heading").map((token) => token.text);
  return { html: marked.parser(tokens), headings };
};
