import { nextTurn } from '../runtime/event-loop.ts';
import { JsonStrings } from './json-strings.ts';
import { SecretSearch } from './secret-search.ts';

const mark = '[redacted]';
/** Callers that can wait redact longer texts in several turns of the event loop. */
export const maxAtOnceChars = 262_144;
/** The most secrets that are kept when others are added; the latest stay. */
const maxSecrets = 1_000;
/** The longest turn for a long text. */
const maxTurnMs = 10;
/** The steps through the strings and escapes of a JSON text between two checks of the clock. */
const maxStepsInTurn = 10_000;

/** Hides known secrets in text. */
export class Redactor {
  #secrets: readonly string[] = [];
  #search: SecretSearch | null = null;
  /** Settles when the long text in progress is done. */
  #long: Promise<unknown> = Promise.resolve();

  /** Replaces the list of secrets. Those of less than four characters stay visible. */
  setSecrets(values: readonly string[]): void {
    this.#secrets = values;
    this.#search = values.length === 0 ? null : new SecretSearch(values);
  }

  /** Adds secrets to the list. Earlier ones stay hidden, because calls in flight may still fail and quote them. */
  addSecrets(values: readonly string[]): void {
    const all = [...new Set([...values, ...this.#secrets])];
    this.setSecrets(all.slice(0, Math.max(values.length, maxSecrets)));
  }

  /**
   * Replaces each known secret in `text` by `[redacted]`: as it is, in hexadecimal digits, in Base64 (alone or as part of a
   * longer text, such as `user:secret`), and with characters escaped as in JSON, URLs, forms and HTML, in several layers.
   */
  redact(text: string): string {
    return runAll(this.#redact(text, null, text.length));
  }

  /** Redacts the first `maxChars` characters of a text and drops the rest. */
  redactHead(text: string, maxChars: number): string {
    return runAll(this.#redact(text, null, Math.min(text.length, maxChars)));
  }

  /**
   * Redacts the strings of a JSON text. It stays valid JSON, and a result or error stays one, even if a secret is part of a
   * number or a word of the protocol. Keys stay, unless a secret in them is unmistakable.
   */
  redactJson(json: string): string {
    return runAll(this.#redact(json, new JsonStrings(json), json.length));
  }

  /**
   * Redacts a long JSON text in several turns. Texts wait for each other, because each is in memory several times.
   * @param jsonOf makes the text when it is due
   * @returns null if the text contains no secret
   */
  redactLongJson(jsonOf: () => string): Promise<string | null> {
    const redacted = this.#long.then(() => this.#redactInTurns(jsonOf()));
    this.#long = redacted.catch(() => {});
    return redacted;
  }

  async #redactInTurns(json: string): Promise<string | null> {
    const steps = this.#redact(json, new JsonStrings(json), json.length);
    for (let startMs = performance.now(); ; ) {
      const { done, value } = steps.next();
      if (done) return value === json ? null : value;
      if (performance.now() - startMs < maxTurnMs) continue;
      await nextTurn();
      startMs = performance.now();
    }
  }

  /** Redacts a slice of the text in each step. */
  *#redact(text: string, strings: JsonStrings | null, length: number): Generator<void, string> {
    const search = this.#search;
    if (search === null) return text.slice(0, length);
    const slices: string[] = [];
    /** The end of the processed text. */
    let at = 0;
    for (let from = 0; from < length; from += search.sliceChars) {
      const to = Math.min(length, from + search.sliceChars);
      const parts: string[] = [];
      for (const found of search.find(text, from, to)) {
        while (strings?.advance(found.start, maxStepsInTurn)) yield;
        for (const { start, end } of strings?.hideable(found) ?? [found]) {
          // A secret of the slice before may reach into this one.
          if (start >= at) parts.push(text.slice(at, start), mark);
          at = Math.max(at, end);
        }
      }
      if (parts.length > 0) slices.push(parts.join(''));
      yield;
    }
    if (slices.length === 0) return text.slice(0, length);
    slices.push(text.slice(at, Math.max(at, length)));
    return slices.join('');
  }
}

function runAll(steps: Generator<void, string>): string {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** A URL without user info, query and fragment, all of which may contain secrets. It may be malformed. */
export function displayUrl(url: string): string {
  // The URL of a disabled server may contain `${NAME}`, and a template of resources `{name}`, which parsing would encode.
  const parsed = url.includes('{') ? null : URL.parse(url);
  if (parsed !== null) return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  return url.replace(/\{?[?#].*/s, '').replace(/\/\/.*@/s, '//');
}

const maxReasonChars = 200;
/** Longer texts are truncated before they are sanitized. */
const maxReadChars = 16_384;

/**
 * Sanitizes text from outside (an upstream's error, the message of an exception) for health, logs and answers: one line of at
 * most 200 characters without secrets, control characters, and the parts of URLs that may contain secrets.
 */
export function sanitizeReason(text: string, redactor: Redactor): string {
  const line = Bun.stripANSI(redactor.redactHead(text, maxReadChars))
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .replace(/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi, displayUrl);
  // Again, for a secret that colors or line breaks had split, and before the cut, which may leave half a secret.
  const safe = redactor.redact(line);
  if (safe.length <= maxReasonChars) return safe;
  return `${safe.slice(0, maxReasonChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
