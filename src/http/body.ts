import { Deadline, deadlines } from '../deadlines.ts';
import { GatewayError } from '../errors.ts';

/** How long a client may take to send a body. */
const defaultTimeoutMs = 30_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a request's body as UTF-8 text. Rejects with `body_too_large`, `request_timeout`, or `parse_error` for what
 * is not UTF-8. The connection is not fit for another request then.
 */
export function readBody(request: Request, maxBytes: number, timeoutMs = defaultTimeoutMs): Promise<string> {
  const declared = request.headers.get('content-length');
  if (declared === null) return readChunks(request, maxBytes, timeoutMs);
  if (Number(declared) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new WholeBody(request, timeoutMs).text;
}

/** A body that says how long it is, and is no longer than that. */
class WholeBody extends Deadline {
  readonly #timeoutMs: number;
  readonly #text = Promise.withResolvers<string>();

  constructor(request: Request, timeoutMs: number) {
    super();
    this.#timeoutMs = timeoutMs;
    deadlines.start(this, timeoutMs);
    request.arrayBuffer().then(
      (bytes) => this.#came(bytes),
      () => this.#failed(brokenOff()),
    );
  }

  get text(): Promise<string> {
    return this.#text.promise;
  }

  expire(): void {
    this.#text.reject(tooSlow(this.#timeoutMs));
  }

  #came(bytes: ArrayBuffer): void {
    this.clear();
    try {
      this.#text.resolve(textOf(bytes));
    } catch (error) {
      this.#text.reject(error);
    }
  }

  #failed(error: GatewayError): void {
    this.clear();
    this.#text.reject(error);
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
