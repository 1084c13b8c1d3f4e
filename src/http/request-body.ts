import { GatewayError } from '../errors.ts';
import { type Holding, maxFreeBytes, OverBudgetError } from '../runtime/byte-budget.ts';
import { CollectedBytes } from '../runtime/collected-bytes.ts';
import type { Completion } from '../runtime/completion.ts';
import { Deadline, deadlines as processDeadlines } from '../runtime/deadlines.ts';
import { OwnedBytes } from '../runtime/owned-bytes.ts';

/** The time limit for sending a body. */
const timeoutMs = 30_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A long body and its share of the byte budget, which is released when the request is over. */
export interface HeldText {
  readonly text: string;
  readonly holding: Holding | null;
}

/**
 * Reads a request's body as UTF-8 text. Rejects with `body_too_large`, `request_timeout`, `overloaded`, or `parse_error` for
 * invalid UTF-8; then the connection must not serve another request.
 */
export function readBody(
  request: Request,
  maxBytes: number,
  done: Completion<string | HeldText>,
  deadlines = processDeadlines,
): void {
  const declared = request.headers.get('content-length');
  const length = declared === null ? null : Number(declared);
  if (length !== null && length > maxBytes) done.reject(tooLarge(maxBytes));
  else if (length !== null && length <= maxFreeBytes) new ShortBody(request, done, deadlines);
  else {
    readChunks(request, length, maxBytes, deadlines).then(
      (body) => done.resolve(body),
      (error) => done.reject(error),
    );
  }
}

/** The read of a short body of known length. */
class ShortBody extends Deadline {
  readonly #done: Completion<string | HeldText>;
  #isOver = false;

  constructor(request: Request, done: Completion<string | HeldText>, deadlines: typeof processDeadlines) {
    super();
    this.#done = done;
    deadlines.start(this, timeoutMs);
    request.arrayBuffer().then(
      (bytes) => this.#complete(bytes),
      () => this.#fail(brokenOff()),
    );
  }

  expire(): void {
    this.#fail(tooSlow());
  }

  #complete(bytes: ArrayBuffer): void {
    if (this.#isOver) return;
    let text: string;
    try {
      text = textOf(bytes);
    } catch (error) {
      this.#fail(error as GatewayError);
      return;
    }
    this.#isOver = true;
    this.clear();
    this.#done.resolve(text);
  }

  #fail(error: GatewayError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.clear();
    this.#done.reject(error);
  }
}

/** While a request is answered, its body is in memory as received and as sent upstream. */
const copies = 2;

/** Reads a body that is long or of unknown length, and counts it against the byte budget. */
async function readChunks(
  request: Request,
  length: number | null,
  maxBytes: number,
  deadlines: typeof processDeadlines,
): Promise<HeldText> {
  if (request.body === null) return { text: '', holding: null };
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  let isLate = false;
  const deadline = deadlines.add(timeoutMs, () => {
    isLate = true;
    reader.cancel().catch(() => {});
  });
  const collected = new CollectedBytes(length, copies);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw tooSlow();
      if (done) break;
      if (collected.length + value.byteLength > maxBytes) throw tooLarge(maxBytes);
      if (!collected.tryHold(value.byteLength))
        throw new GatewayError('overloaded', new OverBudgetError().message);
      collected.add(value);
    }
    const { bytes, holding } = collected.end();
    const text = textOf(bytes);
    new OwnedBytes(bytes).free();
    return { text, holding };
  } catch (error) {
    collected.discard();
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

function tooSlow(): GatewayError {
  return new GatewayError('request_timeout', `the body did not arrive within ${timeoutMs / 1000} s`);
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('body_too_large', `the body is larger than mcp.max_request_bytes (${maxBytes})`);
}
