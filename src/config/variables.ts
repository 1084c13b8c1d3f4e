import type { YamlFile } from './document.ts';
import { dotted, type Path } from './problems.ts';
import type { Source } from './source.ts';

/** A reference to a variable as other programs write it. */
interface ForeignReference {
  /** As it is written: `$NAME`. */
  readonly written: string;
  readonly name: string;
  /** Where it stands in the text. */
  readonly at: number;
}

const name = '([A-Z][A-Z0-9_]*)';
/**
 * How shells, cmd.exe, Kubernetes, PowerShell, editors and other gateways write what is `${NAME}` here. Within a word a `$` is left alone:
 * it may be part of a password. `%AB%CD` is percent-encoded text.
 */
const foreignReference = new RegExp(
  [
    `(?<![\\w$\\\\!#*^~+])\\$${name}(?![\\w$!#*^~+])`,
    `%([A-Z][A-Z0-9_]{2,})%(?![0-9A-Fa-f]{2})`,
    `\\$\\(${name}\\)`,
    `\\$env:${name}\\b`,
    `(?<!\\$)\\{env:${name}\\}`,
    `\\{\\{ *${name} *\\}\\}`,
    `\\bos\\.environ/${name}`,
    `\\bprocess\\.env\\.${name}`,
  ].join('|'),
);

/** The first reference in `text` that is written as other programs do, or null. */
export function foreignReferenceIn(text: string): ForeignReference | null {
  const match = foreignReference.exec(text);
  if (match === null) return null;
  const found = match.slice(1).find((group) => group !== undefined) as string;
  return { written: match[0], name: found, at: match.index };
}

/** Advice on such a reference; the value of the variable is not looked at. */
export const writeReference = ({ name }: Pick<ForeignReference, 'name'>) =>
  `for the value of a variable write "\${${name}}"`;

/** As many warnings are told; nobody reads on. */
const maxWarnings = 20;

/** One warning, with its place, for each text below `servers` that holds such a reference: it is taken as it stands. */
export function foreignReferences(file: YamlFile, source: Source): string[] {
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
        `${source.where(place)}: ${dotted(path)}: "${reference.written}" is taken as it stands; ${writeReference(reference)}`,
      );
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value))
        visit(item, [...path, Array.isArray(value) ? Number(key) : key]);
    }
  };
  visit((file.value as { servers?: unknown }).servers, ['servers']);
  if (found > maxWarnings) warnings.push(`and ${found - maxWarnings} more references of that kind`);
  return warnings;
}
