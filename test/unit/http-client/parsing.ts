import type { ResponseHead } from '../../../src/http-client/response-head.ts';
import { ResponseParser, type ResponseSink } from '../../../src/http-client/response-parser.ts';

/** What a parser told of one response. */
export interface Parsed {
  status: number | null;
  header(name: string): string | null;
  contentLength: number | null;
  persistent: boolean | null;
  /** One character per byte. */
  body: string;
  /** `clean`, or `excess` where bytes followed the end; null: the end did not come. */
  end: 'clean' | 'excess' | null;
  /** The message of the error that ended it. */
  error: string | null;
}

/** Keeps what a parser finds. Throws where that comes in an order that makes no sense. */
export class Findings implements ResponseSink {
  readonly found: Parsed = {
    status: null,
    header: () => null,
    contentLength: null,
    persistent: null,
    body: '',
    end: null,
    error: null,
  };
  readonly #pieces: Buffer[] = [];

  onHead(head: ResponseHead): void {
    if (this.found.status !== null) throw new Error('a second head');
    const { status, contentLength, isPersistent } = head;
    const header = (name: string) => head.headers.get(name);
    Object.assign(this.found, { status, contentLength, persistent: isPersistent, header });
  }

  onData(chunk: Buffer, start: number, end: number): void {
    if (this.found.status === null || this.found.end !== null) throw new Error('a body out of place');
    if (start >= end || end > chunk.length) throw new Error('a piece of nothing');
    this.#pieces.push(chunk.subarray(start, end));
  }

  onEnd(clean: boolean): void {
    if (this.found.status === null || this.found.end !== null) throw new Error('an end out of place');
    this.found.end = clean ? 'clean' : 'excess';
  }

  /** What was found, with the body joined. */
  result(): Parsed {
    return { ...this.found, body: Buffer.concat(this.#pieces).toString('latin1') };
  }
}

/** By its name, wherever that class stands. */
function isFramingError(error: unknown): error is Error {
  return error instanceof Error && error.constructor.name === 'HttpFramingError';
}

/** Parses pieces of one character per byte until the response is over; `closes`: the connection ends after them. */
export function parse(pieces: readonly string[], closes = false): Parsed {
  const findings = new Findings();
  const parser = new ResponseParser(findings);
  parser.expect();
  try {
    for (const piece of pieces) if (piece !== '') parser.push(Buffer.from(piece, 'latin1'));
    if (closes) parser.close();
  } catch (error) {
    if (!isFramingError(error)) throw error;
    findings.found.error = error.message;
  }
  return findings.result();
}

/** A text whole, cut in two at every place, and in single characters. */
export function* allSplits(text: string): Generator<string[]> {
  yield [text];
  for (let at = 1; at < text.length; at++) yield [text.slice(0, at), text.slice(at)];
  yield [...text];
}
