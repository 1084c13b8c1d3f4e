import { skipString } from '../json-string.ts';

const mark = '[redacted]';

/** Shorter secrets stay visible: hiding them would garble ordinary text, and the gaps would show what they are. */
const minSecretChars = 4;

/** Hides known secrets in text. */
export class Redactor {
  #pattern: RegExp | null = null;

  /** Replaces the list of secrets to hide. Those of less than four characters are left visible. */
  setSecrets(values: readonly string[]): void {
    const shapes = new Set<string>();
    for (const value of values) {
      for (const secret of [value, value.trim()]) {
        if (secret.length >= minSecretChars) for (const shape of shapesOf(secret)) shapes.add(shape);
      }
    }
    // Longest first: where one secret begins another, the whole of the longer one goes.
    const alternatives = [...shapes].sort((a, b) => b.length - a.length);
    this.#pattern = alternatives.length === 0 ? null : new RegExp(alternatives.join('|'), 'g');
  }

  /**
   * `text` with `[redacted]` in place of each known secret: as it is, escaped as in JSON, percent-encoded, and
   * in Base64, alone or as part of something longer (`user:secret`).
   */
  redact(text: string): string {
    return this.#pattern === null ? text : text.replace(this.#pattern, mark);
  }

  /**
   * The JSON text `json` with the secrets in its strings hidden. It stays JSON, and a result or error stays one: a
   * secret may happen to be part of a number, or a word of the protocol. Without a secret in it, it comes back as it is.
   */
  redactJson(json: string): string {
    if (this.redact(json) === json) return json;
    let safe = '';
    let at = 0;
    for (let start = json.indexOf('"'); start >= 0; start = json.indexOf('"', at)) {
      safe += json.slice(at, start);
      at = skipString(json, start);
      safe += this.#redactToken(json.slice(start, at));
    }
    return safe + json.slice(at);
  }

  /** @param token a string with its quotes and escapes */
  #redactToken(token: string): string {
    if (jsonVocabulary.has(token)) return token;
    const value = JSON.parse(token) as string;
    const safe = this.redact(value);
    return safe === value ? token : JSON.stringify(safe);
  }
}

/** Words without which an MCP result or error is none. A secret that is one of them is none. */
const jsonVocabulary = new Set(
  '_meta annotations audio blob code content data image isError message mimeType name resource resource_link structuredContent text type uri'
    .split(' ')
    .map((word) => `"${word}"`),
);

/** Patterns of all the ways in which a secret is likely to be written. */
function* shapesOf(secret: string): Generator<string> {
  for (const text of [secret, ...jsonShapes(secret), ...percentShapes(secret)]) yield RegExp.escape(text);
  yield* base64Shapes(secret);
}

/** JSON leaves to the writer whether to escape slashes and all but ASCII, and how to write the digits. */
function jsonShapes(secret: string): string[] {
  const escaped = jsonEscaped(secret);
  const hex = (unit: string) => unit.charCodeAt(0).toString(16).padStart(4, '0');
  const shapes = [
    escaped,
    escaped.replace(/[\u0080-\uffff]/g, (unit) => `\\u${hex(unit)}`),
    escaped.replace(/[\u0080-\uffff]/g, (unit) => `\\u${hex(unit).toUpperCase()}`),
    // JSON within a string of JSON: an upstream's error in a log line.
    jsonEscaped(escaped),
  ];
  return [...shapes, ...shapes.map((shape) => shape.replaceAll('/', '\\/'))];
}

function jsonEscaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function percentShapes(secret: string): string[] {
  const component = encodeURIComponent(secret.toWellFormed());
  const strict = component.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = strict.replaceAll('%20', '+');
  const shapes = [component, strict, form];
  return [...shapes, ...shapes.map((shape) => shape.replace(/%../g, (code) => code.toLowerCase()))];
}

/**
 * Base64 packs three bytes into four characters, so a secret looks different for each of the three places at
 * which it can begin. Of each only the characters that are made of its own bits alone are searched for.
 */
function* base64Shapes(secret: string): Generator<string> {
  for (const before of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const ownFrom = Math.ceil((before * 8) / 6);
    const ownTo = Math.floor((bytes.length * 8) / 6);
    const own = bytes.toString('base64').slice(ownFrom, ownTo);
    // The character that holds the last bits, and the padding.
    const rest = `${(bytes.length * 8) % 6 === 0 ? '' : '[\\w+/-]?'}={0,2}`;
    yield RegExp.escape(own) + rest;
    yield RegExp.escape(own.replaceAll('+', '-').replaceAll('/', '_')) + rest;
  }
}

/**
 * A URL as it may be shown: without user info, query and fragment, all of which may carry secrets.
 * What is no valid URL is cut in the same way.
 */
export function displayUrl(url: string): string {
  // Of a server that is switched off, the URL may hold `${NAME}`.
  const parsed = url.includes('${') ? null : URL.parse(url);
  if (parsed !== null) return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  return url.replace(/[?#].*/s, '').replace(/\/\/.*@/s, '//');
}

const maxReasonChars = 200;

/**
 * Text from outside (an upstream's error, an exception's message) in a form that may be shown in health, logs
 * and answers: one line of at most 200 characters without secrets, control characters, and the parts of
 * URLs that may carry secrets.
 */
export function sanitizeReason(text: string, redactor: Redactor): string {
  const line = Bun.stripANSI(redactor.redact(text))
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .replace(/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi, displayUrl);
  // Once more, for a secret that colors or line breaks had split; and before the cut, which may leave half of one.
  const safe = redactor.redact(line);
  if (safe.length <= maxReasonChars) return safe;
  return `${safe.slice(0, maxReasonChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
