import { Deadline, deadlines } from '../deadlines.ts';
import { GatewayError } from '../errors.ts';

/** How long a client may take to send a body. */
const defaultTimeoutMs = 30_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Takes a body when it has come, or why it has not: one of the two, once. */
export interface BodyTaker {
  onBody(text: string): void;
  /**
   * @param error `body_too_large`, `request_timeout`, or `parse_error` for what is not UTF-8; the connection is not fit
   *   for another request then
   */
  onBodyFailure(error: GatewayError): void;
}

/** Reads a request's body as UTF-8 text, for `taker`. */
export function readBody(
  request: Request,
  maxBytes: number,
  taker: BodyTaker,
  timeoutMs = defaultTimeoutMs,
): void {
  const declared = request.headers.get('content-length');
  if (declared === null) {
    readChunks(request, maxBytes, timeoutMs).then(
      (text) => taker.onBody(text),
      (error) => taker.onBodyFailure(error),
    );
  } else if (Number(declared) > maxBytes) taker.onBodyFailure(tooLarge(maxBytes));
  else new WholeBody(request, taker, timeoutMs);
}

/** A body that says how long it is, and is no longer than that. */
class WholeBody extends Deadline {
  readonly #taker: BodyTaker;
  readonly #timeoutMs: number;
  #over = false;

  constructor(request: Request, taker: BodyTaker, timeoutMs: number) {
    super();
    this.#taker = taker;
    this.#timeoutMs = timeoutMs;
    deadlines.start(this, timeoutMs);
    request.arrayBuffer().then(
      (bytes) => this.#came(bytes),
      () => this.#fail(brokenOff()),
    );
  }

  expire(): void {
    this.#fail(tooSlow(this.#timeoutMs));
  }

  #came(bytes: ArrayBuffer): void {
    if (this.#over) return;
    let text: string;
    try {
      text = textOf(bytes);
    } catch (error) {
      this.#fail(error as GatewayError);
      return;
    }
    this.#over = true;
    this.clear();
    this.#taker.onBody(text);
  }

  #fail(error: GatewayError): void {
    if (this.#over) return;
    this.#over = true;
    this.clear();
    this.#taker.onBodyFailure(error);
  }
}

/** A body of unknown length, counted while it comes. */
async function readChunks(request: Request, maxBytes: number, timeoutMs: number): Promise<string> {
  if (request.body === null) return '';
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  let late = false;
  const deadline = deadlines.add(timeoutMs, () => {
    late = true;
    reader.cancel().catch(() => {});
  });
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw tooSlow(timeoutMs);
      if (done) return textOf(Buffer.concat(chunks, total));
      total += value.byteLength;
      if (total > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error instanceof GatewayError ? error : brokenOff();
  } finally {
    deadline.clear();
  }
}

/** Throws `parse_error`. */
function textOf(bytes: ArrayBuffer | Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new GatewayError('parse_error', 'Parse error: the body is not valid UTF-8');
  }
}

function brokenOff(): GatewayError {
  return new GatewayError('request_timeout', 'the body did not arrive');
}

function tooSlow(timeoutMs: number): GatewayError {
  return new GatewayError('request_timeout', `the body did not arrive within ${timeoutMs / 1000} s`);
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('body_too_large', `the body is larger than mcp.max_request_bytes (${maxBytes})`);
}
