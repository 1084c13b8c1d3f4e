import type { Redactor } from './redact.ts';

/** What terminals and viewers act on: control characters, line breaks and changes of writing direction. */
const unsafe = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** `text` with such characters escaped as in JSON, so that none can end the line or forge another. */
function escapeUnsafe(text: string): string {
  return text.replace(unsafe, (unit) => {
    const escaped = JSON.stringify(unit).slice(1, -1);
    // JSON itself asks for an escape of the first 32 only.
    return escaped === unit ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
  });
}

/**
 * A line as the logger made it, without its newline, free of secrets and still one JSON object.
 * @param line `{"level":"…","time":"…Z",…}`
 */
export function jsonLine(line: string, redactor: Redactor): string {
  // Level and time are the logger's own: a secret like `info` must not eat them.
  const headEnd = line.indexOf('Z"') + 2;
  const head = line.slice(0, headEnd);
  const rest = line.slice(headEnd);
  const redacted = redactor.redact(rest);
  return escapeUnsafe(head + (redacted === rest || isJson(head + redacted) ? redacted : asMessage(redacted)));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** For a secret that was a number, or several members: what is left is no JSON any more, but may be read. */
function asMessage(text: string): string {
  return `,"message":${JSON.stringify(text)}}`;
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

/** A line from `jsonLine` for people: `12:00:00 INFO  message key=value key="some text"`. */
export function prettyLine(json: string, colors: boolean): string {
  const { level, time, message, ...fields } = JSON.parse(json) as {
    level: string;
    time: string;
    message: string;
  };
  const paint = (color: string, text: string) => (colors ? `${color}${text}${reset}` : text);
  const clock = new Date(time).toTimeString().slice(0, 'HH:MM:SS'.length);
  const parts = [
    paint(dim, clock),
    paint(levelColors[level] ?? '', level.toUpperCase().padEnd(5)),
    escapeUnsafe(message),
  ];
  for (const [key, value] of Object.entries(fields)) {
    parts.push(`${paint(dim, `${bareOrQuoted(key)}=`)}${bareOrQuoted(value)}`);
  }
  return parts.join(' ');
}

function bareOrQuoted(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@[\]-]+$/.test(value)) return value;
  return escapeUnsafe(JSON.stringify(value));
}
