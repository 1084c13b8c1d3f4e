import { Document, isScalar, type Scalar, visit } from 'yaml';
import type { ServerEntry } from './entry.ts';

/** How a mapping is written on one line: `{name: a}`, `{ name: a }` or `{"name": "a"}`. */
export interface FlowStyle {
  readonly isQuoted: boolean;
  readonly isPadded: boolean;
}

/** Longer lists of texts get a line for each. */
const maxListChars = 80;
// `yes` and the like are texts in YAML 1.2, but not for each program that may read the file.
const schema = { compat: 'yaml-1.1' } as const;
const layout = { lineWidth: 0, singleQuote: true, blockQuote: false } as const;

/** Texts with line breaks are written on one line, with escapes. */
function quoteLines(scalar: Scalar): void {
  if (typeof scalar.value === 'string' && /\p{Cc}/u.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
}

/** The lines of a mapping, without indentation. Short lists of texts are in brackets. */
function blockLines(entry: Readonly<Record<string, unknown>>): string[] {
  const document = new Document(entry, schema);
  visit(document, {
    Seq(_, list) {
      const chars = JSON.stringify(list.toJSON()).length;
      list.flow = list.items.every((item) => isScalar(item)) && chars <= maxListChars;
    },
    Scalar: (_, scalar) => quoteLines(scalar),
  });
  return document
    .toString({ ...layout, flowCollectionPadding: false })
    .trimEnd()
    .split('\n');
}

/** A value on one line. */
export function flowText(value: unknown, style: FlowStyle): string {
  if (Array.isArray(value)) return `[${value.map((item) => flowText(item, style)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return flowScalar(value, style.isQuoted);
  const pairs = Object.entries(value).map(
    ([key, item]) => `${flowScalar(key, style.isQuoted)}: ${flowText(item, style)}`,
  );
  const space = style.isPadded && pairs.length > 0 ? ' ' : '';
  return `{${space}${pairs.join(', ')}${space}}`;
}

/** A scalar as it stands within brackets. */
function flowScalar(value: unknown, isQuoted: boolean): string {
  if (isQuoted) return JSON.stringify(value);
  const document = new Document([value], schema);
  visit(document, {
    Seq(_, list) {
      list.flow = true;
    },
    Scalar: (_, scalar) => quoteLines(scalar),
  });
  return document
    .toString({ ...layout, flowCollectionPadding: false })
    .trim()
    .slice(1, -1);
}

/** The items of a block list. @param offset the number of columns from a dash to its mapping */
export function listLines(entries: readonly ServerEntry[], indent: string, offset = 2): string[] {
  const dash = '-'.padEnd(offset);
  const keys = ' '.repeat(offset);
  return entries.flatMap((entry) =>
    blockLines(entry).map((line, index) => `${indent}${index === 0 ? dash : keys}${line}`),
  );
}
