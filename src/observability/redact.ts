import { nextTurn } from '../runtime/event-loop.ts';
import { JsonStrings } from './json-strings.ts';
import { SecretSearch } from './secret-search.ts';

const mark = '[redacted]';
/** What is longer is worked on in several turns of the event loop by those who can wait. */
export const maxAtOnceChars = 262_144;
/** How long one turn works on a long text. */
const maxTurnMs = 10;
/** How many strings and escapes of a JSON text are passed before the clock is looked at. */
const maxStepsInTurn = 10_000;

/** Hides known secrets in text. */
export class Redactor {
  #search: SecretSearch | null = null;
  /** The long text that is being worked on. */
  #long: Promise<unknown> = Promise.resolve();

  /** Replaces the list of secrets to hide. Those of less than four characters are left visible. */
  setSecrets(values: readonly string[]): void {
    this.#search = values.length === 0 ? null : new SecretSearch(values);
  }

  /**
   * `text` with `[redacted]` in place of each known secret: as it is, in hexadecimal digits, in Base64, alone or as part of something longer
   * (`user:secret`), and with any of its characters escaped, several times over, too: as in JSON, URLs, forms and HTML.
   */
  redact(text: string): string {
    return atOnce(this.#redact(text, null, text.length));
  }

  /** The same for the first so many characters of a text alone. */
  redactHead(text: string, maxChars: number): string {
    return atOnce(this.#redact(text, null, Math.min(text.length, maxChars)));
  }

  /**
   * The JSON text `json` with the secrets in its strings hidden. It stays JSON, and a result or error stays one: a secret may
   * happen to be part of a number, or a word of the protocol. Keys stay as they are, unless they hold what can be nothing
   * but a secret. Without a secret in it, it comes back as it is.
   */
  redactJson(json: string): string {
    return atOnce(this.#redact(json, new JsonStrings(json), json.length));
  }

  /**
   * The same for a long text: other work goes on meanwhile. One after another, since each is in memory several times.
   * @param jsonOf makes the text when it is its turn
   * @returns null: there is no secret in it
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

  /** Step by step, a slice of the text in each. */
  *#redact(text: string, strings: JsonStrings | null, length: number): Generator<void, string> {
    const search = this.#search;
    if (search === null) return text.slice(0, length);
    const slices: string[] = [];
    /** All before it is done. */
    let at = 0;
    for (let from = 0; from < length; from += search.sliceChars) {
      const to = Math.min(length, from + search.sliceChars);
      const parts: string[] = [];
      for (const found of search.find(text, from, to)) {
        while (strings?.pass(found.start, maxStepsInTurn)) yield;
        for (const { start, end } of strings?.hideable(found) ?? [found]) {
          // What a secret in the slice before has reached into is done.
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

function atOnce(steps: Generator<void, string>): string {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
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
/** As much of a text is looked at for it. */
const maxReadChars = 16_384;

/**
 * Text from outside (an upstream's error, an exception's message) in a form that may be shown in health, logs
 * and answers: one line of at most 200 characters without secrets, control characters, and the parts of
 * URLs that may carry secrets.
 */
export function sanitizeReason(text: string, redactor: Redactor): string {
  const line = Bun.stripANSI(redactor.redactHead(text, maxReadChars))
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .replace(/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi, displayUrl);
  // Once more, for a secret that colors or line breaks had split; and before the cut, which may leave half of one.
  const safe = redactor.redact(line);
  if (safe.length <= maxReasonChars) return safe;
  return `${safe.slice(0, maxReasonChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
