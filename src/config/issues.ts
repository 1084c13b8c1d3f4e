import type { z } from 'zod';
import type { YamlFile } from './document.ts';
import { hasForeignKeyFor, keyAdvice } from './foreign-keys.ts';
import { notes, variablesAreText } from './foreign-words.ts';
import { clip, dotted, missingSpaceHint, type Problem, shownKey } from './problems.ts';
import { isKnown, keysAt, sectionsOf } from './reference.ts';
import type { HiddenSpans, Source } from './source.ts';
import { didYouMean } from './suggest.ts';
import type { TargetIssue } from './targets.ts';
import { valueAdvice, type WrongValue } from './value-advice.ts';
import { isRecord, type Mapping, type Path, placeOf, valueAt } from './values.ts';

type Issue = z.core.$ZodIssue | TargetIssue;

const requiredKeys = new Set(['name', 'url', 'type', 'token_env']);
/** Advice that is a complete message, without "unknown key" before it. */
const statements = new Set<string>(Object.values(notes));

/** Turns the issues that the schema found in `value` into problems of the file that it was read from. */
export function issueProblems(
  issues: readonly Issue[],
  value: unknown,
  file: YamlFile,
  source: Source,
  hidden: HiddenSpans,
): Problem[] {
  const translator = new IssueTranslator(value, file, source, hidden);
  // A number that breaks two rules is one problem: both rules expect the same.
  return uniqueByMessage(issues.flatMap((issue) => translator.problemsOf(issue, [])));
}

class IssueTranslator {
  readonly #value: unknown;
  readonly #file: YamlFile;
  readonly #source: Source;
  readonly #hidden: HiddenSpans;
  /** A mapping to its keys that name a section and have no value. */
  readonly #emptySections = new Map<Mapping, string[]>();

  constructor(value: unknown, file: YamlFile, source: Source, hidden: HiddenSpans) {
    this.#value = value;
    this.#file = file;
    this.#source = source;
    this.#hidden = hidden;
  }

  problemsOf(issue: Issue, prefix: Path): Problem[] {
    const path = [...prefix, ...issue.path] as Path;
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => this.#unknownKey(path, key));
    }
    if (issue.code === 'invalid_union') {
      // A value of the right shape gets the problems of that shape, any other value the list of shapes.
      const branch = issue.errors.find((errors) => errors.every((e) => e.path.length > 0 || 'keys' in e));
      if (branch) return branch.flatMap((inner) => this.problemsOf(inner, path));
    }
    if (issue.code === 'invalid_key') {
      const problem = `${issue.issues[0]?.message ?? issue.message}${missingSpaceHint(String(path.at(-1)))}`;
      return [{ span: this.#file.keySpanOf(path), message: `${dotted(path.slice(0, -1))}: ${problem}` }];
    }
    if (issue.code === 'custom' && issue.params?.statement) {
      return [{ span: this.#file.spanOf(path), message: `${dotted(path)}: ${issue.message}` }];
    }
    return this.#wrongValue(issue, path);
  }

  #wrongValue(issue: Issue, path: Path): Problem[] {
    const found = valueAt(this.#value, path);
    if (found === undefined) return this.#missingValue(path, issue.message);
    const span = this.#file.spanOf(path);
    const subject = path.length === 0 ? '' : `${dotted(path)}: `;
    const shown = this.#describe(found, path);
    const message = `${subject}expected ${issue.message}, found ${shown}${this.#hint(issue, found, path)}`;
    return [{ span, message }];
  }

  #missingValue(path: Path, expected: string): Problem[] {
    const parentPath = path.slice(0, -1);
    const parent = this.#written(parentPath);
    const key = String(path.at(-1));
    if (isRecord(parent) && placeOf(parentPath) === 'servers[]' && hasForeignKeyFor(key, parent)) return [];
    // An `auth` of another type has a problem already.
    if (key === 'token_env' && isRecord(parent) && 'type' in parent && parent.type !== 'bearer') return [];
    const message = `${dotted(path)} is missing; expected ${expected}${this.#dashHint(parentPath)}`;
    return [{ span: this.#file.spanOf(path), message }];
  }

  /** `- name: a` and `- url: …` are two servers. */
  #dashHint(path: Path): string {
    const [list, index] = path;
    if (list !== 'servers' || typeof index !== 'number' || path.length !== 2) return '';
    const lacks = (item: number, key: string) => {
      const server = this.#written(['servers', item]);
      return isRecord(server) && server[key] === undefined;
    };
    const isSplit = (first: number) =>
      (lacks(first, 'url') && lacks(first + 1, 'name')) || (lacks(first, 'name') && lacks(first + 1, 'url'));
    return isSplit(index) || isSplit(index - 1) ? '; each "- " begins a new server' : '';
  }

  #unknownKey(path: Path, key: string): Problem {
    const span = this.#file.keySpanOf([...path, key]);
    const where = dotted(path);
    const parent = this.#written(path);
    const siblings = isRecord(parent) ? parent : {};
    const advice = keyAdvice(path, key, siblings);
    if (advice !== null && statements.has(advice)) {
      return { span, message: `${dotted([...path, key])}: ${advice}` };
    }
    const owner = this.#emptySectionBefore(path, key, siblings);
    const hint =
      missingSpaceHint(key) ||
      (owner && `; it belongs to ${owner}: indent it`) ||
      (advice && `; ${advice}`) ||
      didYouMean(key, keysAt(path)) ||
      sectionHint(key, path);
    return { span, message: `unknown key "${shownKey(key)}"${where === '' ? '' : ` in ${where}`}${hint}` };
  }

  /** The empty section before a key that belongs into it, or null: the key should be indented. */
  #emptySectionBefore(path: Path, key: string, siblings: Mapping): string | null {
    let empty = this.#emptySections.get(siblings);
    if (empty === undefined) {
      const names = Object.keys(siblings);
      empty = names.filter((name) => siblings[name] === null && isSection([...path, name]));
      this.#emptySections.set(siblings, empty);
    }
    const startOf = (name: string) => this.#file.keySpanOf([...path, name]).start;
    const keyStart = startOf(key);
    const section = empty.findLast((name) => startOf(name) < keyStart);
    return section !== undefined && holds([...path, section], key) ? dotted([...path, section]) : null;
  }

  #isFollowedByItsKeys(path: Path): boolean {
    const parentPath = path.slice(0, -1);
    const parent = this.#written(parentPath);
    const keys = isRecord(parent) ? Object.keys(parent) : [];
    const next = keys[keys.indexOf(String(path.at(-1))) + 1];
    return next !== undefined && !keysAt(parentPath).includes(next) && holds(path, next);
  }

  #describe(found: unknown, path: Path): string {
    if (found === null) return 'no value';
    if (Array.isArray(found)) return 'a list';
    if (isRecord(found)) return 'a mapping';
    const span = this.#file.spanOf(path);
    // One line only: with a wrong indentation, a value includes the lines below it.
    const line = { start: span.start, end: Math.min(span.end, this.#source.lineOf(span).end) };
    const text = clip(this.#source.render(line, this.#hidden(line)));
    return line.end < span.end && !text.endsWith('…') ? `${text}…` : text;
  }

  #hint(issue: Issue, found: unknown, path: Path): string {
    if (found === null) return this.#noValueHint(path);
    const advice = valueAdvice({ path, raw: this.#written(path), expects: expectsOf(issue) });
    if (advice !== null) return `; ${advice}`;
    const isOfWrongType = issue.code === 'invalid_type';
    if (typeof found !== 'string') {
      return isOfWrongType && issue.expected === 'string' && !isRecord(found) ? '; put it in quotes' : '';
    }
    if (path.length === 0) return '; a key needs a colon and a space after it';
    if (path.at(-1) === 'token_env') return '; it names the variable that holds the token, without "$"';
    if (issue.code === 'invalid_value') return didYouMean(found, issue.values.map(String));
    if (!isOfWrongType || issue.expected === 'string') return '';
    if (this.#file.sourceOf(path)?.includes('${')) return `; ${variablesAreText}`;
    return /^(?:true|false|-?\d+(?:\.\d+)?)$/.test(found) ? '; remove the quotes' : '';
  }

  #noValueHint(path: Path): string {
    if (isSection(path) && this.#isFollowedByItsKeys(path)) return '; indent its keys';
    if (typeof path.at(-1) === 'number') return '; remove the "-", or give it a value';
    const isRequired = requiredKeys.has(String(path.at(-1)));
    return isRequired ? '; give it a value' : '; remove the key, or give it a value';
  }

  /** The value at `path` as the file has it, before variables were expanded. */
  #written(path: Path): unknown {
    return valueAt(this.#file.value, path);
  }
}

function uniqueByMessage(problems: readonly Problem[]): Problem[] {
  return [
    ...new Map(problems.map((problem) => [`${problem.span.start} ${problem.message}`, problem])).values(),
  ];
}

function expectsOf(issue: Issue): WrongValue['expects'] {
  if (issue.code === 'too_small' || issue.code === 'too_big') return 'number';
  return (issue.code === 'invalid_type' && expectedTypes[issue.expected]) || 'other';
}

/** zod's types to their names here. */
const expectedTypes: Readonly<Record<string, WrongValue['expects']>> = {
  number: 'number',
  int: 'number',
  boolean: 'boolean',
  object: 'mapping',
};

/** Whether the value at `path` is a section, or a list of sections. */
function isSection(path: Path): boolean {
  return holds(path, 'any') || keysAt(path).length > 0 || keysAt([...path, 0]).length > 0;
}

/** Whether the section or list of sections at `path` has this key. */
function holds(path: Path, key: string): boolean {
  return isKnown([...path, key]) || isKnown([...path, 0, key]);
}

/** The end of a message: the section to which a key belongs that is unknown at `path`. */
function sectionHint(key: string, path: Path): string {
  // The `port` of a server is a part of its url.
  const homes = sectionsOf(key).filter(({ section }) => section !== '' || path[0] !== 'servers');
  if (homes.length === 0 || homes.length > 2) return '';
  const spelling = homes[0]?.key === key ? '' : `, as "${homes[0]?.key}"`;
  const sections = homes.map(({ section }) => section).join(' or ');
  return sections === ''
    ? `; it belongs at the top of the file${spelling}`
    : `; it belongs to ${sections}${spelling}`;
}
