import { GatewayError } from '../errors.ts';
import { type Holding, maxFreeBytes, OverBudgetError } from '../runtime/byte-budget.ts';
import { CollectedBytes } from '../runtime/collected-bytes.ts';
import { Deadline, deadlines as processDeadlines } from '../runtime/deadlines.ts';
import { OwnedBytes } from '../runtime/owned-bytes.ts';

/** The time limit for sending a body. */
const timeoutMs = 30_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A request whose body is read as UTF-8 text. It is its own deadline, so that a short body needs no other object. */
export abstract class BodyRequest extends Deadline {
  readonly request: Request;
  readonly #maxBytes: number;
  readonly #deadlines: typeof processDeadlines;
  #isOver = false;

  constructor(request: Request, maxBytes: number, deadlines = processDeadlines) {
    super();
    this.request = request;
    this.#maxBytes = maxBytes;
    this.#deadlines = deadlines;
  }

  /** @param holding the share of a long body in the byte budget, to be released when the request is over */
  abstract bodyRead(text: string, holding: Holding | null): void;

  /**
   * @param error `body_too_large`, `request_timeout`, `overloaded`, or `parse_error` for invalid UTF-8. The connection must
   * not serve another request.
   */
  abstract bodyFailed(error: GatewayError): void;

  /** Reads the body; then calls {@link bodyRead} or {@link bodyFailed}, once. */
  readBody(): void {
    const { request } = this;
    const declared = request.headers.get('content-length');
    const length = declared === null ? null : Number(declared);
    if (length !== null && length > this.#maxBytes) this.bodyFailed(tooLarge(this.#maxBytes));
    else if (length !== null && length <= maxFreeBytes) {
      this.#deadlines.start(this, timeoutMs);
      request.arrayBuffer().then(
        (bytes) => this.#complete(bytes),
        () => this.#fail(brokenOff()),
      );
    } else {
      readChunks(request, length, this.#maxBytes, this.#deadlines).then(
        ({ text, holding }) => this.bodyRead(text, holding),
        (error) => this.bodyFailed(error),
      );
    }
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
    this.bodyRead(text, null);
  }

  #fail(error: GatewayError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.clear();
    this.bodyFailed(error);
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
): Promise<{ text: string; holding: Holding | null }> {
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

/** Whether a body is longer than `maxBytes`, or may be, because its head does not say how long it is. */
export function mayExceed(headers: Headers, maxBytes: number): boolean {
  return Number(headers.get('content-length')) > maxBytes || headers.has('transfer-encoding');
}
