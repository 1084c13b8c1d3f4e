import type { YamlFile } from './document.ts';
import { dotted, type Path } from './problems.ts';
import type { Source } from './source.ts';

/** A reference to a variable in the syntax of another program. */
interface ForeignReference {
  /** As written: `$NAME`. */
  readonly written: string;
  readonly name: string;
  /** Its offset in the text. */
  readonly at: number;
}

const namePattern = '([A-Z][A-Z0-9_]*)';
/**
 * References as shells, cmd.exe, Kubernetes, PowerShell, editors and other gateways write them. A `$` within a word does not
 * count, since it may be part of a password; `%AB%CD` is percent-encoded text.
 */
const foreignReference = new RegExp(
  [
    `(?<![\\w$\\\\!#*^~+])\\$${namePattern}(?![\\w$!#*^~+])`,
    `%([A-Z][A-Z0-9_]{2,})%(?![0-9A-Fa-f]{2})`,
    `\\$\\(${namePattern}\\)`,
    `\\$env:${namePattern}\\b`,
    `(?<!\\$)\\{env:${namePattern}\\}`,
    `\\{\\{ *${namePattern} *\\}\\}`,
    `\\bos\\.environ/${namePattern}`,
    `\\bprocess\\.env\\.${namePattern}`,
  ].join('|'),
);

/** The first foreign reference in `text`, or null. */
export function foreignReferenceIn(text: string): ForeignReference | null {
  const match = foreignReference.exec(text);
  if (match === null) return null;
  const name = match.slice(1).find((group) => group !== undefined) as string;
  return { written: match[0], name, at: match.index };
}

/** Advice on a foreign reference. */
export const referenceAdvice = ({ name }: Pick<ForeignReference, 'name'>) =>
  `for the value of a variable write "\${${name}}"`;

/** Further references are only counted. */
const maxWarnings = 20;

/** One warning, with its location, for each text below `servers` with a foreign reference, which is taken literally. */
export function foreignReferenceWarnings(file: YamlFile, source: Source): string[] {
  const warnings: string[] = [];
  let found = 0;
  const visit = (value: unknown, path: Path): void => {
    if (typeof value === 'string') {
      const reference = foreignReferenceIn(value);
      if (reference === null || ++found > maxWarnings) return;
      const span = file.spanOf(path);
      const at = source.text.indexOf(reference.written, span.start);
      const place = at >= 0 && at < span.end ? { start: at, end: at } : span;
      warnings.push(
        `${source.locationOf(place)}: ${dotted(path)}: "${reference.written}" is taken literally; ${referenceAdvice(reference)}`,
      );
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value))
        visit(item, [...path, Array.isArray(value) ? Number(key) : key]);
    }
  };
  visit((file.value as { servers?: unknown }).servers, ['servers']);
  if (found > maxWarnings) warnings.push(`and ${found - maxWarnings} more such references`);
  return warnings;
}
