import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { descriptors } from '../runtime/descriptors.ts';
import type { Environment } from '../runtime/environment.ts';
import { isDisabled } from './disabled.ts';
import type { YamlFile } from './document.ts';
import { clip, dotted, type Problem } from './problems.ts';
import { isVariableName } from './rules.ts';
import type { Source } from './source.ts';
import { type Path, pathKey, valueAt } from './values.ts';
import { foreignReferenceIn, placeVariables, referenceAdvice } from './variables.ts';

/** The value of an environment variable or of a file, and the key of the server that it was inserted into. */
export interface Expansion {
  readonly path: Path;
  readonly value: string;
  /** Whether it is the name or a folder of the user, which is no secret and part of many messages. */
  readonly isPlace: boolean;
}

/** A configuration with its variables expanded. */
interface Expanded {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Paths of texts that could not be expanded. */
  readonly unresolved: ReadonlySet<string>;
  readonly expansions: readonly Expansion[];
}

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g;

/** Whether `path` is not expanded: `token_env` is the name of a variable. */
const isLiteral = (path: Path) => path.at(-1) === 'token_env';

/** A reference as other programs write it: `${env:NAME}`, `${ NAME }`, `${{ secrets.NAME }}`, `${NAME:?message}`. */
const foreignForm =
  /^\$\{\{? *(?:(?:process\.)?env[.:]|secrets\.|vars\.)?([A-Z][A-Z0-9_]*)(?: *\}|(:?-)|:?[?+=])/;
const withDefault = /^([A-Za-z_][A-Za-z0-9_]*):-(.*)$/s;

/** Repeats the text in the braces only if it is certainly the name of a variable: it may be a secret. */
function malformedReference(text: string): string {
  const [, name, isDefault] = foreignForm.exec(text) ?? [];
  if (name !== undefined) {
    if (isDefault) return `write a default as "\${${name}:-DEFAULT}"`;
    return `a reference is the name of the variable alone; write "\${${name}}"`;
  }
  if (/^\$\{(?:input|prompt|secret|vault|op|ssm):/i.test(text)) {
    return `values come from environment variables and files; write "\${NAME}" or "\${file:PATH}"`;
  }
  return `"\${" must be followed by the name of an environment variable and "}"; "$\${" is a literal "\${"`;
}

/** What a reference stands for, or the problem with it. A value of the configuration file itself is no expansion. */
type Resolved =
  | { readonly value: string; readonly isOwn?: boolean; readonly isPlace?: boolean }
  | { readonly problem: string };

/** Null if the text in the braces is no reference. @param folder the folder of the configuration file */
function resolve(text: string, env: Environment, folder: string): Resolved | null {
  if (text.startsWith('file:')) return fileText(text.slice('file:'.length), folder);
  const [, defaulted = text, byDefault] = withDefault.exec(text) ?? [];
  if (!isVariableName(defaulted)) return null;
  const value = Object.hasOwn(env, defaulted) ? env[defaulted] : undefined;
  if (byDefault !== undefined && (value === undefined || value === ''))
    return { value: byDefault, isOwn: true };
  if (value === undefined)
    return { problem: `the environment variable ${defaulted} is not set, nor is it in mcpstead.env` };
  return { value, isPlace: placeVariables.has(defaulted) };
}

/** Longer files hold no value of a configuration. */
const maxFileBytes = 65_536;

/** The text of a file, without white space around it. A relative path begins at the configuration file. */
function fileText(path: string, folder: string): Resolved {
  const isAbsolute = /^(?:[/\\]|[A-Za-z]:[/\\])/.test(path);
  const shown = clip(path);
  try {
    const bytes = descriptors.use(() => {
      const full = isAbsolute ? path : `${folder}${path}`;
      const status = statSync(full);
      if (!status.isFile()) throw new Error('is not a regular file');
      if (status.size > maxFileBytes) throw new Error('is larger than 64 KiB');
      return readFileSync(full);
    });
    if (!isUtf8(bytes)) throw new Error('is not UTF-8');
    return { value: bytes.toString().replace(byteOrderMark, '').trim() };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === undefined ? message : (unreadable[code] ?? `cannot be read: ${code}`);
    return { problem: `the file "${shown}" ${reason}` };
  }
}

const byteOrderMark = /^\uFEFF/;
const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'cannot be read: permission denied',
};

/**
 * Expands `${NAME}`, `${NAME:-default}` and `${file:PATH}` in the string values of `servers[]`, once and not in keys; `$${` stands
 * for `${`. An empty variable expands to an empty text, or to its default; an unset one without a default is a problem. Disabled servers are not expanded: people disable servers for lack of a token.
 */
export function expand(
  file: YamlFile,
  { text: source, path: sourcePath }: Source,
  env: Environment,
): Expanded {
  const folder = sourcePath.replace(/[^/\\]*$/, '');
  const problems: Problem[] = [];
  const unresolved = new Set<string>();
  const expansions: Expansion[] = [];
  const root = file.value;
  if (typeof root !== 'object' || root === null || !('servers' in root)) {
    return { value: root, problems, unresolved, expansions };
  }
  const servers: readonly unknown[] = Array.isArray(root.servers) ? root.servers : [];

  function expandText(text: string, path: Path): string {
    const around = file.spanOf(path);
    let from = around.start;
    const disabled = isDisabled(servers[Number(path[1])]);
    const expanded = text.replace(reference, (whole: string, name: string | undefined, closed: string) => {
      const at = source.indexOf(whole, from);
      const span = at < 0 || at >= around.end ? around : { start: at, end: at + whole.length };
      from = span === around ? from : span.end;
      if (name === undefined) return '${';
      const resolved = closed === '' ? null : resolve(name, env, folder);
      if (disabled) unresolved.add(pathKey(path));
      if (disabled && resolved) return whole;
      if (resolved && 'value' in resolved) {
        const { value, isOwn = false, isPlace = false } = resolved;
        if (!isOwn) expansions.push({ path, value, isPlace });
        return value;
      }
      const message = resolved ? resolved.problem : malformedReference(whole);
      problems.push({ span, message });
      unresolved.add(pathKey(path));
      return whole;
    });
    return disabled ? text : expanded;
  }

  function expandValue(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return isLiteral(path) ? value : expandText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => expandValue(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expandValue(item, [...path, key])]),
    );
  }

  const value = { ...root, servers: expandValue(root.servers, ['servers']) };
  return { value, problems, unresolved, expansions };
}

/** Further references are only counted. */
const maxWarnings = 20;

/** One warning, with its location, for each text below `servers` with a foreign reference, which is taken literally. */
export function foreignReferenceWarnings(file: YamlFile, source: Source): string[] {
  const warnings: string[] = [];
  let found = 0;
  for (const { path, span } of file.scalars()) {
    const value = path[0] === 'servers' ? valueAt(file.value, path) : null;
    const reference = typeof value === 'string' ? foreignReferenceIn(value) : null;
    if (reference === null || ++found > maxWarnings) continue;
    const at = source.text.indexOf(reference.written, span.start);
    const place = at >= 0 && at < span.end ? { start: at, end: at } : span;
    warnings.push(
      `${source.locationOf(place)}: ${dotted(path)}: "${reference.written}" is taken literally; ${referenceAdvice(reference)}`,
    );
  }
  if (found > maxWarnings) warnings.push(`and ${found - maxWarnings} more such references`);
  return warnings;
}
