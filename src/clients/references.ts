import type { Environment } from '../runtime/environment.ts';

// References to variables in the texts of the configuration: `${NAME}`, `${NAME:-default}`, `${file:PATH}`; `$${` is `${`.

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{file:[^}]*\}/g;

/** A text that stands for itself. */
export const literal = (text: string) => text.replaceAll('${', () => '$${');

/** The text that `text` stands for, or null if it refers to a variable or a file. */
export function literalOf(text: string): string | null {
  for (const [found] of text.matchAll(reference)) if (found !== '$${') return null;
  return text.replaceAll('$${', () => '${');
}

/** The variables that `text` refers to, and whether each has a default. */
export function variablesIn(text: string): { readonly name: string; readonly hasDefault: boolean }[] {
  return [...text.matchAll(reference)].flatMap(([, name, byDefault]) =>
    name === undefined ? [] : [{ name, hasDefault: byDefault !== undefined }],
  );
}

/** The text with the values of its variables; what is unknown stays as it is. */
export function expandReferences(text: string, env: Environment): string {
  return text.replace(reference, (whole, name?: string, byDefault?: string) => {
    if (whole === '$${') return '${';
    if (name === undefined) return whole;
    return env[name] || (byDefault ?? env[name] ?? whole);
  });
}

/** The paths of the files that `text` refers to. */
export const filesIn = (text: string): string[] =>
  [...text.matchAll(/(?<!\$)\$\{file:([^}]*)\}/g)].map(([, path]) => path as string);
