import { GatewayError } from '../errors.ts';
import { type Holding, maxFreeBytes, OverBudgetError } from '../runtime/byte-budget.ts';
import { CollectedBytes } from '../runtime/collected-bytes.ts';
import type { Completion } from '../runtime/completion.ts';
import { Deadline, deadlines } from '../runtime/deadlines.ts';
import { OwnedBytes } from '../runtime/owned-bytes.ts';

/** How long a client may take to send a body. */
const defaultTimeoutMs = 30_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A long body and its share of the byte budget, which is released when the request is over. */
export interface HeldText {
  readonly text: string;
  readonly holding: Holding | null;
}

/**
 * Reads a request's body as UTF-8 text. Rejects with a {@link GatewayError}: `body_too_large`, `request_timeout`, `overloaded`, or
 * `parse_error` for invalid UTF-8; the connection must not serve another request then.
 */
export function readBody(
  request: Request,
  maxBytes: number,
  done: Completion<string | HeldText>,
  timeoutMs = defaultTimeoutMs,
): void {
  const declared = request.headers.get('content-length');
  const length = declared === null ? null : Number(declared);
  if (length !== null && length > maxBytes) done.reject(tooLarge(maxBytes));
  else if (length !== null && length <= maxFreeBytes) new ShortBody(request, done, timeoutMs);
  else {
    readChunks(request, length, maxBytes, timeoutMs).then(
      (body) => done.resolve(body),
      (error) => done.reject(error),
    );
  }
}

/** A short body that says how long it is. */
class ShortBody extends Deadline {
  readonly #done: Completion<string | HeldText>;
  readonly #timeoutMs: number;
  #over = false;

  constructor(request: Request, done: Completion<string | HeldText>, timeoutMs: number) {
    super();
    this.#done = done;
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
    this.#done.resolve(text);
  }

  #fail(error: GatewayError): void {
    if (this.#over) return;
    this.#over = true;
    this.clear();
    this.#done.reject(error);
  }
}

/** How often a body is there at a time while its request is answered: as it came, and as it goes on. */
const copies = 2;

/** A body that is long, or does not say how long it is, counted while it comes. */
async function readChunks(
  request: Request,
  length: number | null,
  maxBytes: number,
  timeoutMs: number,
): Promise<HeldText> {
  if (request.body === null) return { text: '', holding: null };
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  let late = false;
  const deadline = deadlines.add(timeoutMs, () => {
    late = true;
    reader.cancel().catch(() => {});
  });
  const collected = new CollectedBytes(length, copies);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw tooSlow(timeoutMs);
      if (done) break;
      if (collected.length + value.byteLength > maxBytes) throw tooLarge(maxBytes);
      if (!collected.tryHold(value.byteLength)) throw overloaded();
      collected.add(value);
    }
    return heldText(collected);
  } catch (error) {
    collected.discard();
    reader.cancel().catch(() => {});
    throw error instanceof GatewayError ? error : brokenOff();
  } finally {
    deadline.clear();
  }
}

/** Throws `parse_error`. */
function heldText(collected: CollectedBytes): HeldText {
  const { bytes, holding } = collected.end();
  const text = textOf(bytes);
  new OwnedBytes(bytes).free();
  return { text, holding };
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

function overloaded(): GatewayError {
  return new GatewayError('overloaded', new OverBudgetError().message);
}

function tooSlow(timeoutMs: number): GatewayError {
  return new GatewayError('request_timeout', `the body did not arrive within ${timeoutMs / 1000} s`);
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('body_too_large', `the body is larger than mcp.max_request_bytes (${maxBytes})`);
}
