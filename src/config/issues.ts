import type { z } from 'zod';
import type { YamlFile } from './document.ts';
import { clip, dotted, missedSpace, type Path, type Problem, shownKey } from './problems.ts';
import { keysAt, sectionOf } from './reference.ts';
import type { Hidden, Source } from './source.ts';
import { didYouMean } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** These go with `command`, and say nothing new beside it. */
const commandKeys = new Set(['args', 'env', 'cwd']);
const notSupported = 'stdio servers are not supported yet by this version; give the url of an HTTP server';

/** Turns what the schema found in `value` into problems of the file that it was read from. */
export function issueProblems(
  issues: readonly Issue[],
  value: unknown,
  file: YamlFile,
  source: Source,
  hidden: Hidden,
): Problem[] {
  // A number that breaks two rules of its kind is one problem: both expect the same.
  return uniqueByMessage(issues.flatMap((issue) => problemsOf(issue, [])));

  function problemsOf(issue: Issue, prefix: Path): Problem[] {
    const path = [...prefix, ...issue.path] as Path;
    if (issue.code === 'unrecognized_keys') {
      const { keys } = issue;
      const hasCommand = keys.includes('command');
      return keys.filter((key) => !hasCommand || !commandKeys.has(key)).map((key) => unknownKey(path, key));
    }
    if (issue.code === 'invalid_union') {
      // A value of the right shape gets the problems of that shape, any other the list of shapes.
      const branch = issue.errors.find((errors) => errors.every((e) => e.path.length > 0 || 'keys' in e));
      if (branch) return branch.flatMap((inner) => problemsOf(inner, path));
    }
    if (issue.code === 'invalid_key') {
      const problem = `${issue.issues[0]?.message ?? issue.message}${missedSpace(String(path.at(-1)))}`;
      const message = `${dotted(path.slice(0, -1))}: ${problem}`;
      return [{ span: file.keySpanOf(path), message }];
    }
    if (issue.code === 'custom' && issue.params?.statement) {
      return [{ span: file.spanOf(path), message: `${dotted(path)}: ${issue.message}` }];
    }
    return wrongValue(issue, path);
  }

  function wrongValue(issue: Issue, path: Path): Problem[] {
    const found = at(value, path);
    const span = file.spanOf(path);
    const name = dotted(path);
    if (found === undefined) {
      const parent = at(value, path.slice(0, -1));
      // Whoever gives a command does not miss the url.
      if (path.at(-1) === 'url' && isRecord(parent) && 'command' in parent) return [];
      return [{ span, message: `${name} is missing; expected ${issue.message}` }];
    }
    if (path.at(-1) === 'protocol' && found === 'stdio')
      return [{ span, message: `${name}: ${notSupported}` }];
    const shown = describe(found, path);
    const subject = name === '' ? '' : `${name}: `;
    return [
      { span, message: `${subject}expected ${issue.message}, found ${shown}${hint(issue, found, path)}` },
    ];
  }

  function unknownKey(path: Path, key: string): Problem {
    const span = file.keySpanOf([...path, key]);
    const where = dotted(path);
    const name = dotted([...path, key]);
    const special = specialKey(path, key);
    if (special) return { span, message: `${name}: ${special}` };
    const suggestion = missedSpace(key) || didYouMean(key, keysAt(path));
    const section = suggestion === '' ? sectionOf(key) : null;
    const advice = section === null ? suggestion : `; it belongs to ${section}`;
    return { span, message: `unknown key "${shownKey(key)}"${where === '' ? '' : ` in ${where}`}${advice}` };
  }

  function describe(found: unknown, path: Path): string {
    if (found === null) return 'no value';
    if (Array.isArray(found)) return 'a list';
    if (isRecord(found)) return 'a mapping';
    const span = file.spanOf(path);
    // One line only: with a wrong indentation, a value swallows what stands below it.
    const line = { start: span.start, end: Math.min(span.end, source.lineOf(span).end) };
    const text = clip(source.shown(line, hidden(line)));
    return line.end < span.end && !text.endsWith('…') ? `${text}…` : text;
  }

  function hint(issue: Issue, found: unknown, path: Path): string {
    const written = file.sourceOf(path) ?? '';
    if (found === null) return '; remove the key, or give it a value';
    if (typeof found !== 'string') {
      return issue.code === 'invalid_type' && issue.expected === 'string' && !isRecord(found)
        ? '; put it in quotes'
        : '';
    }
    if (path.length === 0) return '; a key needs a colon and a space after it';
    if (path.at(-1) === 'token_env') return '; it names the variable that holds the token, without "$"';
    if (issue.code === 'invalid_value') return didYouMean(found, issue.values.map(String));
    if (issue.code !== 'invalid_type' || issue.expected === 'string') return '';
    if (written.includes('${')) return '; what comes from a variable is always text';
    if (issue.expected === 'boolean' && /^(?:y|yes|on|n|no|off)$/i.test(found)) {
      return '; YAML 1.2 has no other words for it';
    }
    return /^(?:true|false|-?\d+(?:\.\d+)?)$/.test(found) ? '; remove the quotes' : '';
  }
}

function uniqueByMessage(problems: readonly Problem[]): Problem[] {
  return [
    ...new Map(problems.map((problem) => [`${problem.span.start} ${problem.message}`, problem])).values(),
  ];
}

/** Keys that deserve more than "unknown key": secrets, and what a later version will know. */
function specialKey(path: Path, key: string): string | null {
  const [top, second, third] = path;
  const inServer = top === 'servers' && (path.length === 2 || third === 'auth');
  if (path.length === 2 && top === 'servers' && (key === 'command' || commandKeys.has(key)))
    return notSupported;
  if (key !== 'token' && key !== 'bearer_token') return null;
  if (inServer) {
    return 'a token must not stand in the file; put it into an environment variable and name that in auth.token_env';
  }
  if (top === 'mcp' && (path.length === 1 || second === 'auth')) {
    return 'a token must not stand in the file; put it into the environment variable MCPSTEAD_BEARER_TOKEN';
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) found = isRecord(found) ? found[part] : undefined;
  return found;
}
