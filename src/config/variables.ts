/** A reference to a variable in the syntax of another program. */
interface ForeignReference {
  /** As written: `$NAME`. */
  readonly written: string;
  readonly name: string;
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
  return { written: match[0], name };
}

/** Advice on a foreign reference. */
export const referenceAdvice = ({ name }: ForeignReference) =>
  `for the value of a variable write "\${${name}}"`;
