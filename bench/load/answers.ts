// Whether an answer is the right one, all of it.

import { resultFrame } from '../upstream.ts';
import type { Head } from '../wire.ts';

/** What an answer has to be, besides that its id is its request's. */
export type Expectation =
  /** A call's result of this length, with the tag of its request in it. */
  | { readonly kind: 'call'; readonly resultBytes: number }
  /** A list of this many tools. */
  | { readonly kind: 'list'; readonly tools: number };

/** The ids and tags that stand in a message before its first use, and how long all of them are. */
export const firstId = '1000000000';
export const firstTag = '#000000000';
const digits = 10;
/** How much of a wrong answer is told. */
const shownBytes = 200;

/** Writes `number` into `bytes`, as decimal digits that end at `end`. */
function writeNumber(bytes: Buffer, end: number, number: number): void {
  let left = number;
  for (let at = end - 1; left > 0; at -= 1) {
    bytes[at] = 48 + (left % 10);
    left = Math.floor(left / 10);
  }
}

/** A request or an answer in which an id and tags stand, to be replaced by others of the same length. */
export class Template {
  readonly #idAt: number;
  readonly #tagsAt: number[] = [];

  constructor(
    readonly bytes: Buffer,
    id: string,
    tag: string,
  ) {
    this.#idAt = bytes.indexOf(`"id":${id}`) + 5;
    for (let at = bytes.indexOf(tag); at >= 0; at = bytes.indexOf(tag, at + 1)) this.#tagsAt.push(at);
  }

  /** Puts the id and the tag of the request number `index` in. */
  fill(index: number): void {
    writeNumber(this.bytes, this.#idAt + digits, Number(firstId) + index);
    for (const at of this.#tagsAt) {
      this.bytes.write('000000000', at + 1);
      writeNumber(this.bytes, at + digits, index);
    }
  }
}

export const idOf = (index: number) => Number(firstId) + index;
export const tagOf = (index: number) => `#${String(index).padStart(digits - 1, '0')}`;

/** The JSON texts in a body of server-sent events, in order. */
export function eventsOf(text: string): string[] {
  return text
    .split(/\r?\n\r?\n/)
    .map((event) =>
      event
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trimStart())
        .join('\n'),
    )
    .filter((data) => data !== '');
}

/** A JSON-RPC answer, as far as the benchmark looks into one. */
interface Answer {
  readonly id?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
  readonly result?: {
    readonly content?: readonly { readonly text?: string }[];
    readonly tools?: readonly { readonly name: string }[];
  };
}

function parsed(head: Head, body: Buffer): Answer {
  const text = body.toString();
  return JSON.parse(head.isSse ? (eventsOf(text).at(-1) ?? '') : text);
}

/** What is wrong with the result of the request number `index`, or null. */
function faultOf(answer: Answer, index: number, expect: Expectation): string | null {
  if (answer.id !== idOf(index)) return `the id is ${answer.id}, not ${idOf(index)}`;
  if (answer.error !== undefined) return 'an error';
  if (expect.kind === 'list') {
    const names = answer.result?.tools?.map((tool) => tool.name) ?? [];
    // A gateway may list tools of its own besides.
    const distinct = new Set(names.filter((name) => /tool.\d+$/.test(name))).size;
    return distinct === expect.tools ? null : `it lists ${distinct} tools, not ${expect.tools}`;
  }
  const text = answer.result?.content?.[0]?.text ?? '';
  const length = expect.resultBytes - resultFrame.before.length - resultFrame.after.length;
  if (!text.startsWith(tagOf(index))) return 'it is the answer to another request';
  if (text.length !== length) return `the text has ${text.length} characters, not ${length}`;
  return /^#\d+x*$/.test(text) ? null : 'the text is not the one that was sent';
}

/** Whether a gateway that is asked too much says so cleanly: HTTP, and a JSON-RPC error with the request's id or none. */
function isCleanError(head: Head, body: Buffer, index: number): boolean {
  try {
    const { id, error } = parsed(head, body);
    const isOurs = id === idOf(index) || id === null || id === undefined;
    return isOurs && typeof error?.code === 'number' && typeof error.message === 'string';
  } catch {
    return false;
  }
}

/** What is wrong with an answer, and whether it is an error that says so cleanly. */
export interface Failure {
  readonly reason: string;
  readonly isClean: boolean;
}

/**
 * Checks the answers that come over one connection. One that was looked at whole tells all bytes of the next, whose
 * pieces are compared as they come and need not be kept; one that differs is looked at whole again.
 */
export class Checker {
  #template: Template | null = null;
  #index = 0;
  /** How many bytes are those of the template, or null once one was not. */
  #matching: number | null = null;
  #differing: Buffer[] = [];

  constructor(readonly expect: Expectation) {}

  /** The next answer is that to the request number `index`. */
  begin(index: number): void {
    this.#index = index;
    this.#template?.fill(index);
    this.#matching = this.#template && 0;
    this.#differing = [];
  }

  piece(piece: Buffer): void {
    if (this.#template !== null && this.#matching !== null) {
      const { bytes } = this.#template;
      const end = this.#matching + piece.length;
      if (end <= bytes.length && bytes.compare(piece, 0, piece.length, this.#matching, end) === 0) {
        this.#matching = end;
        return;
      }
      this.#differing.push(Buffer.from(bytes.subarray(0, this.#matching)));
      this.#matching = null;
    }
    this.#differing.push(piece);
  }

  /** What is wrong with the answer that is complete now, or null. */
  end(head: Head): Failure | null {
    if (head.status === 200 && this.#template && this.#matching === this.#template.bytes.length) return null;
    if (this.#template && this.#matching !== null) {
      this.#differing.push(this.#template.bytes.subarray(0, this.#matching));
    }
    const body = Buffer.concat(this.#differing);
    const reason = this.#look(head, body);
    if (reason !== null) {
      const shown = body.toString('utf8', 0, shownBytes);
      return { reason: `${reason}: ${shown}`, isClean: isCleanError(head, body, this.#index) };
    }
    this.#template = new Template(body, String(idOf(this.#index)), tagOf(this.#index));
    return null;
  }

  #look(head: Head, body: Buffer): string | null {
    if (head.status !== 200) return `HTTP ${head.status}`;
    try {
      return faultOf(parsed(head, body), this.#index, this.expect);
    } catch {
      return 'not JSON';
    }
  }
}
