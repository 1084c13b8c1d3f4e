import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '../..');

/** A fenced block of a Markdown page. */
interface Block {
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of the page at `path` of the checkout, or of one of its sections, in order. */
export function blocksOf(path: string, section?: string): Block[] {
  const page = readFileSync(join(root, path), 'utf8');
  const part =
    section === undefined ? page : page.split(/^## /m).find((each) => each.startsWith(`${section}\n`));
  if (part === undefined) throw new Error(`${path} has no section "${section}"`);
  return [...part.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
    language: language as string,
    text: text as string,
  }));
}

/** The commands of `page` that begin with `word`, in shell blocks and in inline code. */
export function commandsOf(path: string, word: string): string[] {
  const inBlocks = blocksOf(path)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split(/(?<!\\)\n/));
  const page = readFileSync(join(root, path), 'utf8').replace(/^```.*?^```$/gms, '');
  const inText = [...page.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code as string);
  return [...inBlocks, ...inText].filter((command) => command.startsWith(`${word} `));
}
