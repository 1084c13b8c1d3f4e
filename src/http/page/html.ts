/** A piece of HTML, all of whose text is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a piece of HTML: text, which is escaped, or pieces, which are not escaped again. */
export type Part = Html | string | number | null | readonly Part[];

/** Puts a piece of HTML together. Its parts may stand where text does, and in attributes with quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0] as string;
  for (const [index, part] of parts.entries()) text += textOf(part) + strings[index + 1];
  return new Html(text);
}

function textOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return typeof part === 'number' ? String(part) : Bun.escapeHTML(part);
}
