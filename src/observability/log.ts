import { messageOf } from '../errors.ts';
import type { LogHistory } from './log-history.ts';
import { jsonLine, prettyLine } from './log-lines.ts';
import { type LossReport, output, stderrIsTerminal } from './output.ts';
import type { Redactor } from './redact.ts';

/** The levels, least severe first. */
const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof levels)[number];
/** The format of lines; `auto` depends on their destination. */
type LogFormat = 'auto' | 'json' | 'pretty';

/** The data of a line besides its message. */
export type LogFields = Readonly<Record<string, unknown>>;
type LogMethod = (message: string, fields?: LogFields) => void;

/**
 * Writes one line for each call. Fields may hold any value: an Error is written as its message, on level debug as its stack,
 * and a value that JSON cannot represent as the reason.
 */
export interface Logger {
  /** Whether lines of these levels are written, for callers whose fields are expensive. */
  readonly isDebug: boolean;
  readonly isTrace: boolean;
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}

interface LoggerOptions {
  /** The least severe level that is written. */
  readonly level: LogLevel;
  /** `auto` is pretty if stderr is a terminal, else JSON. */
  readonly format: LogFormat;
  /** Redacts every line. */
  readonly redactor: Redactor;
  /** Keeps the last lines. */
  readonly history?: LogHistory;
  /** Takes each line with its newline; by default the queue for stderr. */
  readonly write?: (line: string) => void;
}

/** Creates a logger; gateways in one process share none. */
export function createLogger({ level, format, redactor, history, write }: LoggerOptions): Logger {
  const terminal = write === undefined && stderrIsTerminal();
  const pretty = format === 'pretty' || (format === 'auto' && terminal);
  const colors = terminal && !process.env.NO_COLOR;
  const least = levels.indexOf(level);
  const isDebug = least <= levels.indexOf('debug');
  const lineOf = (name: LogLevel, message: string, fields: LogFields): string => {
    const line = {
      message: redacted(message, redactor) as string,
      level: name,
      time: new Date().toISOString(),
      fields: redacted(plainFields(fields, isDebug), redactor) as Record<string, unknown>,
    };
    history?.add(line);
    return `${pretty ? prettyLine(line, colors) : jsonLine(line)}\n`;
  };
  const lossReport: LossReport = (count, cause) => {
    const what = `${count} ${count === 1 ? 'line was' : 'lines were'} dropped`;
    if (cause === null) return lineOf('warn', `${what} while stderr was not read`, {});
    return lineOf('warn', `${what}: stderr refused them`, { cause });
  };
  const emit = write ?? ((line: string) => output.print(2, line, lossReport));
  const method =
    (name: LogLevel): LogMethod =>
    (message, fields = {}) => {
      if (levels.indexOf(name) >= least) emit(lineOf(name, message, fields));
    };
  return {
    isDebug,
    isTrace: least === levels.indexOf('trace'),
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
  };
}

/** The members of every line, which a field must not replace. */
const ownMembers = new Set(['level', 'time', 'at', 'message']);

/** The fields as plain JSON data. */
function plainFields(fields: LogFields, showStacks: boolean): Record<string, unknown> {
  const replacer = (_key: string, value: unknown) => {
    if (value instanceof Error) return (showStacks && value.stack) || value.message || value.name;
    return typeof value === 'bigint' ? String(value) : value;
  };
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    const name = ownMembers.has(key) ? `_${key}` : key;
    try {
      const json = JSON.stringify(value, replacer);
      if (json !== undefined) plain[name] = JSON.parse(json);
    } catch (error) {
      // A cycle, or a getter or toJSON that throws.
      plain[name] = `(cannot be shown: ${messageOf(error)})`;
    }
  }
  return plain;
}

/** Longer texts are truncated. */
const maxTextChars = 65_536;
/** The names of the gateway's own fields stay, even if such a word is a secret. */
const ownName = /^[a-z_]+$/;

/** Hides the secrets in JSON data: in texts, numbers and keys. */
function redacted(value: unknown, redactor: Redactor): unknown {
  if (typeof value === 'string') {
    return value.length <= maxTextChars
      ? redactor.redact(value)
      : `${redactor.redactHead(value, maxTextChars)}…`;
  }
  if (typeof value === 'number')
    return redactor.redact(String(value)) === String(value) ? value : '[redacted]';
  if (Array.isArray(value)) return value.map((item) => redacted(item, redactor));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      ownName.test(key) ? key : redactor.redact(key),
      redacted(item, redactor),
    ]),
  );
}
