/** The longest instructions of one server among those of others, and of all together or of one alone. */
const maxServerChars = 4_096;
const maxTotalChars = 32_768;

interface InstructedServer {
  readonly name: string;
  /** Empty if it has none. */
  readonly instructions: string;
}

/** The instructions of one server for the clients of its own view: as they are, up to the length of all together. */
export function ownInstructions({ instructions }: InstructedServer): string {
  return shortened(instructions, maxTotalChars);
}

/** The instructions of several servers for their clients, each below its name; empty if they have none. */
export function mergedInstructions(servers: readonly InstructedServer[]): string {
  const sections: string[] = [];
  let chars = 0;
  for (const { name, instructions } of servers) {
    const text = instructions.trim();
    if (text === '') continue;
    const section = `# ${name}\n\n${shortened(text, maxServerChars)}`;
    chars += section.length + 2;
    if (chars > maxTotalChars) break;
    sections.push(section);
  }
  return sections.join('\n\n');
}

function shortened(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  // Not after the first half of a character.
  return `${text.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
