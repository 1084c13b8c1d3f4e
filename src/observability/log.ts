import { messageOf } from '../errors.ts';
import { jsonLine, prettyLine } from './log-lines.ts';
import { type LossReport, output, stderrIsTerminal } from './output.ts';
import type { Redactor } from './redact.ts';

/** How grave a line is, least first. */
const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof levels)[number];
/** What a line looks like; `auto` depends on where it goes. */
type LogFormat = 'auto' | 'json' | 'pretty';

/** What a line tells besides its message. */
export type LogFields = Readonly<Record<string, unknown>>;
type LogMethod = (message: string, fields?: LogFields) => void;

/**
 * Writes one line for each call. Fields may hold anything: an Error is shown as its message (with its
 * stack from level debug on), and what cannot be written as JSON is named in its place.
 */
export interface Logger {
  /** Whether lines of these levels are written, for whoever would have to gather what they tell. */
  readonly isDebug: boolean;
  readonly isTrace: boolean;
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}

/** What a logger writes, and where to. */
interface LoggerOptions {
  /** The least level that is written. */
  readonly level: LogLevel;
  /** `auto`: pretty when stderr is a terminal, else JSON. */
  readonly format: LogFormat;
  /** Every line passes through it. */
  readonly redactor: Redactor;
  /** Takes each line with its newline; the default queues it for stderr. */
  readonly write?: (line: string) => void;
}

/** A logger of its own: nothing is shared between gateways in one process. */
export function createLogger({ level, format, redactor, write }: LoggerOptions): Logger {
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
    return `${pretty ? prettyLine(line, colors) : jsonLine(line)}\n`;
  };
  const lossReport: LossReport = (count, cause) => {
    const what = `${count} ${count === 1 ? 'line was' : 'lines were'} dropped`;
    if (cause === null) return lineOf('warn', `${what} while stderr was not read`, {});
    return lineOf('warn', `${what}: stderr did not take them`, { cause });
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

/** Members that every line has; a field of such a name must not stand in for one. */
const ownMembers = new Set(['level', 'time', 'message']);

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

/** As much of one text is shown. */
const maxTextChars = 65_536;
/** The names of our own fields, which are none of a secret that happens to be such a word. */
const ownName = /^[a-z_]+$/;

/** JSON data without secrets, whether they are text, part of it, a number or a key. */
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
