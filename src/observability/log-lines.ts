/** A line of the log, without secrets. */
export interface LogLine {
  readonly message: string;
  readonly level: string;
  /** ISO 8601, in UTC. */
  readonly time: string;
  /** Plain JSON data. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The message of a line that a server wrote to stderr; the field `line` is that text. */
export const serverOutputMessage = 'stderr of the server';

/** Characters that terminals and viewers act on: controls, line breaks and changes of the writing direction. */
const unsafe = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** Escapes such characters as in JSON, so that none can end the line or forge another. */
function escapeUnsafe(text: string): string {
  return text.replace(unsafe, (unit) => {
    const escaped = JSON.stringify(unit).slice(1, -1);
    // JSON requires escapes for the first 32 only.
    return escaped === unit ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
  });
}

/** JSON on one line, which terminals show as it is. */
export function jsonText(value: Readonly<Record<string, unknown>>): string {
  return escapeUnsafe(JSON.stringify(value));
}

/** Formats a line as a JSON object, with the message first, where people look. */
export function jsonLine({ message, level, time, fields }: LogLine): string {
  return jsonText({ message, level, time, ...fields });
}

const levelColors: Readonly<Record<string, string>> = {
  trace: '\x1b[90m',
  debug: '\x1b[36m',
  info: '\x1b[32m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
};
const dim = '\x1b[2m';
const reset = '\x1b[0m';

/** Wider lines are broken between fields. */
const maxColumns = 120;
/** Continued lines are indented below the message, so that no text can look like a line of its own. */
const indentation = ' '.repeat('00:00:00 LEVEL '.length);
const deeper = `${indentation}  `;

/**
 * Formats a line for people: `12:00:00 INFO  message key=value key="some text"`. Fields beyond the width, and further lines of
 * messages and texts, follow below.
 */
export function prettyLine({ message, level, time, fields }: LogLine, colors: boolean): string {
  const paint = (color: string, text: string) => (colors ? `${color}${text}${reset}` : text);
  const clock = new Date(time).toTimeString().slice(0, 'HH:MM:SS'.length);
  const messageLines = linesOf(message);
  const head = `${paint(dim, clock)} ${paint(levelColors[level] ?? '', level.toUpperCase().padEnd(5))} `;
  let text = head + messageLines.join(`\n${indentation}`);
  let columns = messageLines.length > 1 ? maxColumns : indentation.length + messageLines[0]!.length;
  for (const [key, value] of Object.entries(fields)) {
    const name = `${bareOrQuoted(key)}=`;
    const lines = typeof value === 'string' ? linesOf(value) : [];
    const shown = lines.length > 1 ? '' : bareOrQuoted(value);
    const width = name.length + shown.length;
    const fits = lines.length < 2 && columns + 1 + width <= maxColumns;
    text += `${fits ? ' ' : `\n${indentation}`}${paint(dim, name)}${shown}`;
    for (const line of lines.length > 1 ? lines : []) text += `\n${deeper}${line}`;
    columns = lines.length > 1 ? maxColumns : fits ? columns + 1 + width : indentation.length + width;
  }
  return text.replace(/ +$/gm, '');
}

/** The lines of a text with any line breaks, escaped for the terminal. */
function linesOf(text: string): string[] {
  return text.trimEnd().split(/\r?\n/).map(escapeUnsafe);
}

function bareOrQuoted(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@[\]-]+$/.test(value)) return value;
  return escapeUnsafe(JSON.stringify(value));
}
