import type { Ends } from '../../json/scan.ts';
import { copyOf, RecentValues } from '../../runtime/recent-values.ts';
import { type Envelope, readEnvelope } from './envelope.ts';

/** Longer texts are not kept. */
const maxKeptChars = 8 * 1024;

/**
 * Reads the `_meta` of requests. Clients send the same with each, so those read lately are known by their text
 * (docs/performance.md#known-envelopes).
 */
export class Envelopes {
  readonly #recent = new RecentValues<Envelope>(500);
  #lastText = '';
  #last: Envelope | null = null;
  /** From the start of that text to the end of its body. */
  #charsToEnd = 0;

  /** Where the `_meta` that came last ends in a body, if it is there again; its text need not be scanned again. */
  endsIn(body: string): Ends | undefined {
    const text = this.#lastText;
    if (text === '') return undefined;
    // Clients write it last, or always before the same (docs/performance.md#found-last).
    const usual = body.length - this.#charsToEnd;
    const at = usual >= 0 && body.startsWith(text, usual) ? usual : body.indexOf(text);
    if (at < 0) return undefined;
    this.#charsToEnd = body.length - at;
    return new Map<number, number>().set(at, at + text.length);
  }

  /**
   * The envelope in the text of a `_meta`, which must be valid JSON. Throws like {@link readEnvelope}.
   * @param metaText undefined: there is none
   */
  read(metaText: string | undefined): Envelope {
    if (metaText === undefined) return readEnvelope(metaText);
    if (this.#last !== null && metaText === this.#lastText) return this.#last;
    const known = this.#recent.get(metaText);
    if (known !== undefined) return this.#setLast(metaText, known);
    const envelope = readEnvelope(metaText);
    if (metaText.length > maxKeptChars || envelope.metaText !== null) return envelope;
    // The members are slices of the text.
    const kept = readEnvelope(copyOf(metaText));
    this.#recent.set(metaText, kept);
    return this.#setLast(metaText, kept);
  }

  #setLast(metaText: string, envelope: Envelope): Envelope {
    this.#lastText = copyOf(metaText);
    this.#last = envelope;
    return envelope;
  }
}
