/** Commands of a document, as its reader would type them. */

/** @returns the commands of all blocks marked `sh`, in order; comments are left out, lines that end with `\` joined. */
export function shellCommands(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text.replaceAll("\\\n", " "));
  return blocks.flatMap((block) => block.split("\n").map(withoutComment).filter(Boolean));
}

function withoutComment(line: string): string {
  return line.replace(/(^|\s)#.*$/, "").trim();
}

/** @returns the part of a document below a heading, down to the next of its rank or a higher one. */
export function sectionOf(markdown: string, heading: string): string {
  const start = markdown.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`there is no heading "${heading}"`);
  const rank = heading.indexOf(" ");
  const rest = markdown.slice(start + heading.length + 1);
  const end = new RegExp(`^#{1,${rank}} `, "m").exec(rest)?.index;
  return end === undefined ? rest : rest.slice(0, end);
}
