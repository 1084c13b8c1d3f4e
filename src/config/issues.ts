import type { z } from 'zod';
import type { YamlFile } from './document.ts';
import { isSaidOtherwise, keyAdvice } from './habits.ts';
import { clip, dotted, missedSpace, type Path, type Problem, shownKey } from './problems.ts';
import { homesOf, isKnown, keysAt } from './reference.ts';
import type { Hidden, Source } from './source.ts';
import { didYouMean } from './suggest.ts';
import { isRecord, type Mapping, notes, placeOf, valueAdvice, type WrongValue } from './value-habits.ts';

type Issue = z.core.$ZodIssue;

/** These go with `command`, and say nothing new beside it. */
const commandKeys = new Set(['args', 'env', 'cwd', 'type', 'transport']);
const requiredKeys = new Set(['name', 'url', 'type', 'token_env']);
/** Advice that says all, so that "unknown key" need not stand before it. */
const statements = new Set<string>(Object.values(notes));

/** Turns what the schema found in `value` into problems of the file that it was read from. */
export function issueProblems(
  issues: readonly Issue[],
  value: unknown,
  file: YamlFile,
  source: Source,
  hidden: Hidden,
): Problem[] {
  /** The keys of a mapping that name a section and have no value. */
  const emptyKeys = new Map<Mapping, string[]>();
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
    if (found === undefined) return missingValue(path, issue.message);
    if (path.at(-1) === 'protocol' && found === 'stdio')
      return [{ span, message: `${name}: ${notes.stdio}` }];
    const shown = describe(found, path);
    const subject = name === '' ? '' : `${name}: `;
    return [
      { span, message: `${subject}expected ${issue.message}, found ${shown}${hint(issue, found, path)}` },
    ];
  }

  function missingValue(path: Path, expected: string): Problem[] {
    const parentPath = path.slice(0, -1);
    const parent = at(file.value, parentPath);
    const key = String(path.at(-1));
    if (isRecord(parent) && placeOf(parentPath) === 'servers[]' && isSaidOtherwise(key, parent)) return [];
    // What is missing of an `auth` of another type is not the point.
    if (key === 'token_env' && isRecord(parent) && 'type' in parent && parent.type !== 'bearer') return [];
    const message = `${dotted(path)} is missing; expected ${expected}${dashAdvice(parentPath)}`;
    return [{ span: file.spanOf(path), message }];
  }

  /** `- name: a` and `- url: …` are two servers. */
  function dashAdvice(path: Path): string {
    const [list, index] = path;
    if (list !== 'servers' || typeof index !== 'number' || path.length !== 2) return '';
    const lacks = (item: number, key: string) => {
      const server = at(file.value, ['servers', item]);
      return isRecord(server) && server[key] === undefined;
    };
    const split = (first: number) =>
      (lacks(first, 'url') && lacks(first + 1, 'name')) || (lacks(first, 'name') && lacks(first + 1, 'url'));
    return split(index) || split(index - 1) ? '; each "- " begins a new server' : '';
  }

  function unknownKey(path: Path, key: string): Problem {
    const span = file.keySpanOf([...path, key]);
    const where = dotted(path);
    const parent = at(file.value, path);
    const siblings = isRecord(parent) ? parent : {};
    const advice = keyAdvice(path, key, siblings);
    if (advice !== null && statements.has(advice)) {
      return { span, message: `${dotted([...path, key])}: ${advice}` };
    }
    const owner = emptySectionBefore(path, key, siblings);
    const hint =
      missedSpace(key) ||
      (owner && `; it belongs to ${owner}: indent it`) ||
      (advice && `; ${advice}`) ||
      didYouMean(key, keysAt(path)) ||
      homeOf(key, path);
    return { span, message: `unknown key "${shownKey(key)}"${where === '' ? '' : ` in ${where}`}${hint}` };
  }

  /** The section that stands empty before a key that it knows: the key should be indented. */
  function emptySectionBefore(path: Path, key: string, siblings: Mapping): string | null {
    let empty = emptyKeys.get(siblings);
    if (empty === undefined) {
      empty = Object.keys(siblings).filter(
        (other) => siblings[other] === null && isSection([...path, other]),
      );
      emptyKeys.set(siblings, empty);
    }
    const end = file.keySpanOf([...path, key]).start;
    const section = empty.findLast((other) => file.keySpanOf([...path, other]).start < end);
    return section !== undefined && holds([...path, section], key) ? dotted([...path, section]) : null;
  }

  function isFollowedByItsKeys(path: Path): boolean {
    const parent = at(file.value, path.slice(0, -1));
    const keys = isRecord(parent) ? Object.keys(parent) : [];
    const next = keys[keys.indexOf(String(path.at(-1))) + 1];
    return next !== undefined && !keysAt(path.slice(0, -1)).includes(next) && holds(path, next);
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
    if (found === null) {
      if (isSection(path) && isFollowedByItsKeys(path)) return '; indent what belongs to it';
      if (typeof path.at(-1) === 'number') return '; remove the "-", or give it a value';
      return requiredKeys.has(String(path.at(-1)))
        ? '; give it a value'
        : '; remove the key, or give it a value';
    }
    const advice = valueAdvice({ path, raw: at(file.value, path), expects: expectsOf(issue) });
    if (advice !== null) return `; ${advice}`;
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
    return /^(?:true|false|-?\d+(?:\.\d+)?)$/.test(found) ? '; remove the quotes' : '';
  }
}

function uniqueByMessage(problems: readonly Problem[]): Problem[] {
  return [
    ...new Map(problems.map((problem) => [`${problem.span.start} ${problem.message}`, problem])).values(),
  ];
}

function expectsOf(issue: Issue): WrongValue['expects'] {
  if (issue.code === 'too_small' || issue.code === 'too_big') return 'number';
  if (issue.code !== 'invalid_type') return 'other';
  switch (issue.expected) {
    case 'number':
    case 'int':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'mapping';
    default:
      return 'other';
  }
}

/** Whether keys may stand below the one at `path`. */
function isSection(path: Path): boolean {
  return holds(path, 'any') || keysAt(path).length > 0 || keysAt([...path, 0]).length > 0;
}

/** Whether the section or list of sections at `path` knows `key`. */
function holds(path: Path, key: string): boolean {
  return isKnown([...path, key]) || isKnown([...path, 0, key]);
}

/** Where else a key belongs that is unknown at `path`, to end a message with. */
function homeOf(key: string, path: Path): string {
  // `port` of a server is a part of its url.
  const homes = homesOf(key).filter(({ section }) => section !== '' || path[0] !== 'servers');
  if (homes.length === 0 || homes.length > 2) return '';
  const spelling = homes[0]?.key === key ? '' : `, as "${homes[0]?.key}"`;
  const place = homes.map(({ section }) => section).join(' or ');
  return place === ''
    ? `; it belongs at the top of the file${spelling}`
    : `; it belongs to ${place}${spelling}`;
}

function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) found = isRecord(found) ? found[part] : undefined;
  return found;
}
