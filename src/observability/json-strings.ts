import { skipString } from '../json/string.ts';
import type { SecretMatch } from './secret-search.ts';

/** A range of a text; `end` is exclusive. */
interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Words that an MCP result or error needs, and that are never hidden. MCP 2025-11-25, schema, CallToolResult. */
const vocabulary = new Set(
  '_meta annotations audio blob code content data image isError message mimeType name resource resource_link structuredContent text type uri'.split(
    ' ',
  ),
);
const maxWordChars = Math.max(...[...vocabulary].map((word) => word.length));

/**
 * Limits the hiding of secrets in a JSON text so that it stays valid: to the insides of strings, with each escape hidden as a
 * whole or not at all. Keys stay, unless a secret in them is unmistakable.
 */
export class JsonStrings {
  readonly #json: string;
  /** The current string; it only moves forward. */
  #start = 0;
  #end = 0;
  /** The current escape: in the current string or after it. */
  #escapeStart = 0;
  #escapeEnd = 0;

  /** @param json a valid JSON text */
  constructor(json: string) {
    this.#json = json;
  }

  /** Advances to the string and the escape around `to`, in at most `maxSteps` steps. Returns whether it used all steps. */
  advance(to: number, maxSteps: number): boolean {
    let steps = 0;
    for (; this.#end <= to && steps < maxSteps; steps++) this.#nextString();
    for (; this.#escapeEnd <= to && steps < maxSteps; steps++) this.#nextEscape();
    return steps === maxSteps;
  }

  /** The ranges of a secret that may be hidden. Secrets must come in the order of the text. */
  *hideable({ start, end, isUnmistakable }: SecretMatch): Generator<TextRange> {
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

  /** Moves to the next string. After the last string and the last escape, the ends are infinite. */
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
