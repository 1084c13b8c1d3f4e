// Checks that a response is the right one, byte by byte.

import { resultFrame } from '../upstream.ts';
import type { Head } from '../wire.ts';

/** The expected result of a request. */
export type Expectation =
  /** A call's result of this length, which contains the tag of its request. */
  | { readonly kind: 'call'; readonly resultBytes: number }
  /** A list of this many tools. */
  | { readonly kind: 'list'; readonly tools: number };

/** The placeholders for id and tag in a message; every id and tag has the same length. */
export const firstId = '1000000000';
export const firstTag = '#000000000';
const digits = 10;
/** Longer wrong responses are truncated in error messages. */
const shownBytes = 200;

/** Writes the decimal digits of `number` into `bytes`, ending at `end`. */
function writeNumber(bytes: Buffer, end: number, number: number): void {
  let left = number;
  for (let at = end - 1; left > 0; at -= 1) {
    bytes[at] = 48 + (left % 10);
    left = Math.floor(left / 10);
  }
}

/** A request or response whose id and tags are replaced in place by others of the same length. */
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

  /** Fills in the id and the tag of request number `index`. */
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

/** The members of a JSON-RPC response that the benchmark reads. */
interface RpcResponse {
  readonly id?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
  readonly result?: {
    readonly content?: readonly { readonly text?: string }[];
    readonly tools?: readonly { readonly name: string }[];
  };
}

function parsed(head: Head, body: Buffer): RpcResponse {
  const text = body.toString();
  return JSON.parse(head.isSse ? (eventsOf(text).at(-1) ?? '') : text);
}

/** Describes what is wrong with the response to request number `index`, or returns null. */
function faultOf(response: RpcResponse, index: number, expect: Expectation): string | null {
  if (response.id !== idOf(index)) return `the id is ${response.id}, not ${idOf(index)}`;
  if (response.error !== undefined) return 'an error';
  if (expect.kind === 'list') {
    const names = response.result?.tools?.map((tool) => tool.name) ?? [];
    // A gateway may list tools of its own, too.
    const distinct = new Set(names.filter((name) => /tool.\d+$/.test(name))).size;
    return distinct === expect.tools ? null : `it lists ${distinct} tools, not ${expect.tools}`;
  }
  const text = response.result?.content?.[0]?.text ?? '';
  const length = expect.resultBytes - resultFrame.before.length - resultFrame.after.length;
  if (!text.startsWith(tagOf(index))) return 'it is the response to another request';
  if (text.length !== length) return `the text has ${text.length} characters, not ${length}`;
  return /^#\d+x*$/.test(text) ? null : 'the text differs from the one that was sent';
}

/** Whether an overloaded gateway says so cleanly: with a JSON-RPC error that has the request's id or none. */
function isCleanError(head: Head, body: Buffer, index: number): boolean {
  try {
    const { id, error } = parsed(head, body);
    const isOurs = id === idOf(index) || id === null || id === undefined;
    return isOurs && typeof error?.code === 'number' && typeof error.message === 'string';
  } catch {
    return false;
  }
}

/** Why a response is wrong, and whether it is a clean JSON-RPC error. */
export interface Failure {
  readonly reason: string;
  readonly isClean: boolean;
}

/**
 * Checks the responses on one connection. A response that was parsed and found right is the template for the next one,
 * whose pieces are compared with it as they arrive. Only one that differs is collected and parsed.
 */
export class ResponseChecker {
  #template: Template | null = null;
  #index = 0;
  /** How many bytes match the template so far, or null after a difference. */
  #matching: number | null = null;
  #differing: Buffer[] = [];

  constructor(readonly expect: Expectation) {}

  /** Expects the response to request number `index`. */
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

  /** Checks the response that is now complete. Returns what is wrong with it, or null. */
  end(head: Head): Failure | null {
    if (head.status === 200 && this.#template && this.#matching === this.#template.bytes.length) return null;
    if (this.#template && this.#matching !== null) {
      this.#differing.push(this.#template.bytes.subarray(0, this.#matching));
    }
    const body = Buffer.concat(this.#differing);
    const reason = this.#inspect(head, body);
    if (reason !== null) {
      const shown = body.toString('utf8', 0, shownBytes);
      return { reason: `${reason}: ${shown}`, isClean: isCleanError(head, body, this.#index) };
    }
    this.#template = new Template(body, String(idOf(this.#index)), tagOf(this.#index));
    return null;
  }

  #inspect(head: Head, body: Buffer): string | null {
    if (head.status !== 200) return `HTTP ${head.status}`;
    try {
      return faultOf(parsed(head, body), this.#index, this.expect);
    } catch {
      return 'not JSON';
    }
  }
}
