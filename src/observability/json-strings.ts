import { skipString } from '../json/string.ts';
import type { Found } from './secret-search.ts';

/** A stretch of a text. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Words without which an MCP result or error is none, and which therefore stay, whatever the secrets are.
 * MCP 2025-11-25, schema, CallToolResult.
 */
const vocabulary = new Set(
  '_meta annotations audio blob code content data image isError message mimeType name resource resource_link structuredContent text type uri'.split(
    ' ',
  ),
);
const maxWordChars = Math.max(...[...vocabulary].map((word) => word.length));

/**
 * Tells what of the secrets found in a JSON text may be hidden, so that it stays the JSON that it was: only what stands in
 * strings, an escape as a whole or not at all. A key stays what it is, unless a secret in it is unmistakable.
 */
export class JsonStrings {
  readonly #json: string;
  /** The string at hand; those before it are passed. */
  #start = 0;
  #end = 0;
  /** The first escape that is not passed: in this string or behind it. */
  #escapeStart = 0;
  #escapeEnd = 0;

  /** @param json a valid JSON text */
  constructor(json: string) {
    this.#json = json;
  }

  /** Goes on to what stands around `to`, at most so many steps. Returns whether that took them all. */
  pass(to: number, maxSteps: number): boolean {
    let steps = 0;
    for (; this.#end <= to && steps < maxSteps; steps++) this.#nextString();
    for (; this.#escapeEnd <= to && steps < maxSteps; steps++) this.#nextEscape();
    return steps === maxSteps;
  }

  /** What may be hidden of a secret; they have to come in the order of the text. */
  *hideable({ start, end, isUnmistakable }: Found): Generator<Stretch> {
    while (this.#end <= start) this.#nextString();
    for (;;) {
      const from = Math.max(start, this.#start + 1);
      const to = Math.min(end, this.#end - 1);
      if (from < to && this.#mayHide(isUnmistakable)) {
        yield {
          start: this.#isInEscape(from) ? this.#escapeStart : from,
          end: this.#isInEscape(to) ? this.#escapeEnd : to,
        };
      }
      if (this.#end >= end) return;
      this.#nextString();
    }
  }

  /** Behind the last string comes one that never ends, and the same holds for escapes. */
  #nextString(): void {
    const start = this.#json.indexOf('"', this.#end);
    this.#start = start < 0 ? this.#json.length : start;
    this.#end = start < 0 ? Number.POSITIVE_INFINITY : skipString(this.#json, start);
    if (this.#escapeEnd <= this.#start) this.#escapeEnd = this.#start;
  }

  #nextEscape(): void {
    const start = this.#json.indexOf('\\', this.#escapeEnd);
    this.#escapeStart = start < 0 ? Number.POSITIVE_INFINITY : start;
    this.#escapeEnd = start + (this.#json.charAt(start + 1) === 'u' ? 6 : 2);
    if (start < 0) this.#escapeEnd = Number.POSITIVE_INFINITY;
  }

  #isInEscape(at: number): boolean {
    while (this.#escapeEnd <= at) this.#nextEscape();
    return this.#escapeStart < at;
  }

  #mayHide(isUnmistakable: boolean): boolean {
    const isShort = this.#end - this.#start - 2 <= maxWordChars;
    if (isShort && vocabulary.has(this.#json.slice(this.#start + 1, this.#end - 1))) return false;
    return isUnmistakable || !this.#isKey();
  }

  #isKey(): boolean {
    let at = this.#end;
    while (/\s/.test(this.#json.charAt(at))) at++;
    return this.#json.charAt(at) === ':';
  }
}
