/** Variables that every process of a user has, with the user's name or a folder: no secrets. */
export const placeVariables: ReadonlySet<string> = new Set(
  (
    'HOME USER LOGNAME PWD PATH SHELL TMPDIR TEMP TMP LANG TZ USERPROFILE USERNAME APPDATA LOCALAPPDATA ' +
    'XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR'
  ).split(' '),
);

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
