import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { GatewayError } from '../errors.ts';
import { descriptors } from '../runtime/descriptors.ts';
import type { Environment } from '../runtime/environment.ts';
import { invalidConfig, type Problem, unusableFile } from './problems.ts';
import { isVariableName } from './rules.ts';
import { Source, type Span } from './source.ts';

// The file of secrets beside the configuration, one `NAME=value` to a line.

/** A larger file is the wrong file. */
const maxFileBytes = 262_144;
/** Reading and writing by group and others. */
const othersMode = 0o066;

/** A variable of the file, with the place of its value as written, quotes included. */
interface EnvLine {
  readonly name: string;
  readonly nameSpan: Span;
  readonly value: string;
  readonly valueSpan: Span;
}

/** The path of the file with variables for the configuration at `configPath`: `mcpstead.env` beside it. */
export function envFilePath(configPath: string): string {
  return configPath.replace(/[^/\\]*$/, 'mcpstead.env');
}

/**
 * Reads the variables in the file at `path`; there are none if the file does not exist. Throws a GatewayError `config_invalid`
 * if others than its owner can read or write it (on POSIX), or with all its problems, which never show a value.
 */
export function readEnvFile(
  path: string,
  platform: NodeJS.Platform = process.platform,
): ReadonlyMap<string, string> {
  const text = readText(path, platform);
  if (text === null) return new Map();
  const { lines, problems, source } = parse(text, path);
  if (problems.length > 0) throw invalidConfig(source, problems, ({ start, end }) => [{ start, end }]);
  return new Map(lines.map(({ name, value }) => [name, value]));
}

/** `env` with the variables in `values` that it lacks. */
export function withDefaults(env: Environment, values: ReadonlyMap<string, string>): Environment {
  const added = [...values].filter(([name]) => env[name] === undefined);
  // The process's own environment ignores case on Windows, which a copy does not.
  return added.length === 0 ? env : { ...env, ...Object.fromEntries(added) };
}

const header =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it shows how the configuration refers to a value
  '# Values for mcpstead.yaml, which names them as ${NAME}. Only its owner may read this file.\n';

/**
 * The text of a file with these values: a variable that `text` has gets the new value in its place, the others follow at the
 * end. All other characters stay as they are. Throws `config_invalid` if `text` is not a valid file.
 *
 * @param path the path of the file, for messages
 */
export function withEnvValues(
  text: string,
  values: ReadonlyMap<string, string>,
  path = 'mcpstead.env',
): string {
  if (values.size === 0) return text;
  const { lines, problems, source, offset } = parse(text, path);
  if (problems.length > 0) throw invalidConfig(source, problems, ({ start, end }) => [{ start, end }]);
  const known = new Map(lines.map((line) => [line.name, line]));
  let edited = text;
  // From the end, so that the places of the others hold.
  for (const { name, valueSpan } of lines.toReversed()) {
    const value = values.get(name);
    if (value === undefined || value === known.get(name)?.value) continue;
    const [start, end] = [valueSpan.start + offset, valueSpan.end + offset];
    edited = edited.slice(0, start) + written(value) + edited.slice(end);
  }
  const added = [...values].filter(([name]) => !known.has(name));
  if (added.length === 0) return edited;
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  if (edited === '') edited = header;
  const isOpen = !edited.endsWith('\n') && edited !== '\uFEFF';
  const appended = added.map(([name, value]) => `${name}=${written(value)}${lineEnd}`);
  return `${edited}${isOpen ? lineEnd : ''}${appended.join('')}`;
}

/** A value as the file spells it, so that a shell reads it alike. */
function written(value: string): string {
  if (/^[\w./:@%+,=~^-]+$/.test(value)) return value;
  if (!/['\p{Cc}]/u.test(value)) return `'${value}'`;
  const escaped = value.replace(/["\\$`]/g, '\\$&').replace(/[\n\r\t]/g, (found) => `\\${escapes[found]}`);
  return `"${escaped}"`;
}

const escapes: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't' };
const escaped: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function readText(path: string, platform: NodeJS.Platform): string | null {
  try {
    const status = statSync(path);
    if (!status.isFile()) throw unusableFile(path, 'is not a regular file');
    if (platform !== 'win32' && (status.mode & othersMode) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(3, '0');
      const advice = 'it holds secrets, so that only its owner may; run: chmod 600';
      throw unusableFile(path, `can be read or written by others (mode ${mode}); ${advice} ${quoted(path)}`);
    }
    const bytes = status.size > maxFileBytes ? null : descriptors.use(() => readFileSync(path));
    if (bytes === null || bytes.length > maxFileBytes) throw unusableFile(path, 'is larger than 256 KiB');
    if (!isUtf8(bytes)) throw unusableFile(path, 'is not UTF-8; save the file in that encoding');
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    const reason = code === 'EACCES' ? 'permission denied' : String(code ?? error);
    throw unusableFile(path, `cannot be read: ${reason}`);
  }
}

/** A path for a shell. */
const quoted = (path: string) => (/^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** `NAME=value`: groups are what stands before the name, the name, and what stands before the value. */
const assignment = /^([ \t]*(?:export[ \t]+)?)([^=\s]*)([ \t]*=[ \t]*)/;

/** Spans are those of `source`, whose text begins `offset` characters into `text`: after a byte order mark. */
function parse(text: string, path: string) {
  const offset = text.startsWith('\uFEFF') ? 1 : 0;
  const source = new Source(path, text.slice(offset));
  const lines: EnvLine[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, Span>();
  for (const match of source.text.matchAll(/[^\n]+/g)) {
    const line = match[0].replace(/\r$/, '');
    if (/^[ \t]*(?:#|$)/.test(line)) continue;
    const found = readLine(line, match.index);
    if ('message' in found) {
      problems.push(found);
      continue;
    }
    const first = seen.get(found.name);
    if (first) {
      const related = { span: first, message: 'first written here' };
      problems.push({ span: found.nameSpan, message: `${found.name} is written twice`, related });
    }
    seen.set(found.name, found.nameSpan);
    lines.push(found);
  }
  return { lines, problems, source, offset };
}

/** Messages repeat a name only if it is one: a line may be a secret that was pasted. */
function readLine(line: string, at: number): EnvLine | Problem {
  const [head, before = '', name = ''] = assignment.exec(line) ?? [];
  const indent = /^[ \t]*/.exec(line)?.[0].length ?? 0;
  const whole = { start: at + indent, end: at + line.trimEnd().length };
  if (head === undefined) return { span: whole, message: 'expected NAME=value, or a comment after "#"' };
  if (!isVariableName(name)) {
    const message = 'expected the name of a variable before "=": letters, digits and "_", no digit first';
    return { span: whole, message };
  }
  const start = at + before.length;
  const nameSpan = { start, end: start + name.length };
  const value = readValue(line.slice(head.length));
  const valueStart = at + head.length;
  if ('problem' in value) {
    const from = valueStart + value.at;
    return { span: { start: from, end: from + 1 }, message: `${name}: ${value.problem}` };
  }
  return {
    name,
    nameSpan,
    value: value.text,
    valueSpan: { start: valueStart, end: valueStart + value.length },
  };
}

type Value =
  | { readonly text: string; readonly length: number }
  | { readonly problem: string; readonly at: number };

const quotedValue = /^"((?:[^"\\]|\\.)*)"|^'([^']*)'/;

/** Reads a value, which begins `rest`; a comment may follow. `length` is that of the value as written. */
function readValue(rest: string): Value {
  const nul = rest.indexOf('\0');
  if (nul >= 0) return { problem: 'a value cannot contain a NUL character', at: nul };
  if (!/^["']/.test(rest)) {
    const text = rest.replace(/(?:^|[ \t]+)#.*$/, '').trimEnd();
    return { text, length: text.length };
  }
  const [written, double, single] = quotedValue.exec(rest) ?? [];
  if (written === undefined) {
    const problem = 'this quote is not closed on its line; a line break in a value is \\n in double quotes';
    return { problem, at: 0 };
  }
  if (!/^[ \t]*(?:#.*)?$/.test(rest.slice(written.length))) {
    const advice = 'in double quotes a quote is \\"';
    return { problem: `expected the end of the line after the closing quote; ${advice}`, at: written.length };
  }
  const text = single ?? (double ?? '').replace(/\\(.)/g, unescaped);
  return { text, length: written.length };
}

/** `\n`, `\r` and `\t` are control characters; before others that a shell would take for its own, `\` is left out. */
function unescaped(whole: string, character: string): string {
  return escaped[character] ?? (/["\\$`]/.test(character) ? character : whole);
}
