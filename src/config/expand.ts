import { isDisabled } from './disabled.ts';
import { pathKey, type YamlFile } from './document.ts';
import type { Path, Problem } from './problems.ts';
import { isVariableName } from './rules.ts';

/** The variables of a process: `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value of an environment variable and the key of the server that it went into. */
export interface Expansion {
  readonly path: Path;
  readonly value: string;
}

/** A configuration with its variables expanded, and what went wrong on the way. */
export interface Expanded {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Paths whose text could not be expanded. */
  readonly broken: ReadonlySet<string>;
  readonly expansions: readonly Expansion[];
}

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g;

/** Whether `${NAME}` is left alone at `path`: `token_env` is itself the name of a variable. */
const isLiteral = (path: Path) => path.at(-1) === 'token_env';

/** `${env:NAME}`, `${ NAME }`, `${{ secrets.NAME }}`, `${NAME:-default}`: the name as other programs write it. */
const foreignForm =
  /^\$\{\{? *(?:(?:process\.)?env[.:]|secrets\.|vars\.)?([A-Z][A-Z0-9_]*)(?: *\}|(:?-)|:?[?+=])/;

/** What stands in the braces is not repeated unless it is surely the name of a variable: it may be a secret. */
function malformed(text: string): string {
  const [, name, isDefault] = foreignForm.exec(text) ?? [];
  if (name !== undefined) {
    const reason = isDefault
      ? 'a default is not supported yet by this version'
      : 'a variable is called by its name alone';
    return `${reason}; write "\${${name}}"`;
  }
  if (/^\$\{(?:input|file|prompt|secret|vault|op|ssm):/i.test(text)) {
    return `this version takes values from environment variables only; write "\${NAME}"`;
  }
  return `after "\${" the name of an environment variable and "}" must follow; "$\${" is a literal "\${"`;
}

/**
 * Expands `${NAME}` in the string values of `servers[]`, once and not in keys; `$${` stands for `${`.
 * A variable that is set to nothing expands to nothing; one that is not set is a problem. In a server that is switched off
 * nothing is expanded: people switch off what they have no token for.
 */
export function expand(file: YamlFile, source: string, env: Environment): Expanded {
  const problems: Problem[] = [];
  const broken = new Set<string>();
  const expansions: Expansion[] = [];
  const root = file.value;
  if (typeof root !== 'object' || root === null || !('servers' in root)) {
    return { value: root, problems, broken, expansions };
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
      if (disabled) broken.add(pathKey(path));
      if (disabled && wellFormed) return whole;
      if (wellFormed && value !== undefined) {
        expansions.push({ path, value });
        return value;
      }
      const message = wellFormed ? `the environment variable ${name} is not set` : malformed(whole);
      problems.push({ span, message });
      broken.add(pathKey(path));
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
  return { value, problems, broken, expansions };
}
