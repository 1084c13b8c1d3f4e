import type { Environment } from '../runtime/environment.ts';
import { isDisabled } from './disabled.ts';
import type { YamlFile } from './document.ts';
import { dotted, type Problem } from './problems.ts';
import { isVariableName } from './rules.ts';
import type { Source } from './source.ts';
import { type Path, pathKey, valueAt } from './values.ts';
import { foreignReferenceIn, referenceAdvice } from './variables.ts';

/** The value of an environment variable, and the key of the server that it was inserted into. */
export interface Expansion {
  readonly path: Path;
  readonly value: string;
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

/** A reference as other programs write it: `${env:NAME}`, `${ NAME }`, `${{ secrets.NAME }}`, `${NAME:-default}`. */
const foreignForm =
  /^\$\{\{? *(?:(?:process\.)?env[.:]|secrets\.|vars\.)?([A-Z][A-Z0-9_]*)(?: *\}|(:?-)|:?[?+=])/;

/** Repeats the text in the braces only if it is certainly the name of a variable: it may be a secret. */
function malformedReference(text: string): string {
  const [, name, isDefault] = foreignForm.exec(text) ?? [];
  if (name !== undefined) {
    const reason = isDefault
      ? 'a default is not supported yet by this version'
      : 'a reference is the name of the variable alone';
    return `${reason}; write "\${${name}}"`;
  }
  if (/^\$\{(?:input|file|prompt|secret|vault|op|ssm):/i.test(text)) {
    return `this version takes values from environment variables only; write "\${NAME}"`;
  }
  return `"\${" must be followed by the name of an environment variable and "}"; "$\${" is a literal "\${"`;
}

/**
 * Expands `${NAME}` in the string values of `servers[]`, once and not in keys; `$${` stands for `${`. An empty variable expands
 * to an empty text; an unset one is a problem. Disabled servers are not expanded: people disable servers for lack of a token.
 */
export function expand(file: YamlFile, source: string, env: Environment): Expanded {
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
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      const wellFormed = closed !== '' && isVariableName(name);
      if (disabled) unresolved.add(pathKey(path));
      if (disabled && wellFormed) return whole;
      if (wellFormed && value !== undefined) {
        expansions.push({ path, value });
        return value;
      }
      const message = wellFormed ? `the environment variable ${name} is not set` : malformedReference(whole);
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
