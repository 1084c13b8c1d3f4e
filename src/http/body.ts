import { deadlines } from '../deadlines.ts';
import { GatewayError } from '../errors.ts';

/** How long a client may take to send a body. */
const defaultTimeoutMs = 30_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a request's body as UTF-8 text. Throws `body_too_large`, `request_timeout`, or `parse_error` for what is
 * not UTF-8. The connection is not fit for another request then.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  timeoutMs = defaultTimeoutMs,
): Promise<string> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  let bytes: ArrayBuffer | Uint8Array;
  try {
    bytes = await (declared === null
      ? readChunks(request, maxBytes, timeoutMs)
      : readWhole(request, timeoutMs));
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('request_timeout', 'the body did not arrive');
  }
  try {
    return utf8.decode(bytes);
  } catch {
    throw new GatewayError('parse_error', 'Parse error: the body is not valid UTF-8');
  }
}

/** A body that says how long it is, and is no longer than that. */
function readWhole(request: Request, timeoutMs: number): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    const deadline = deadlines.add(timeoutMs, () => reject(tooSlow(timeoutMs)));
    const settled =
      <T>(settle: (value: T) => void) =>
      (value: T) => {
        deadline.clear();
        settle(value);
      };
    request.arrayBuffer().then(settled(resolve), settled(reject));
  });
}

/** A body of unknown length, counted while it comes. */
async function readChunks(request: Request, maxBytes: number, timeoutMs: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
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
      if (done) return Buffer.concat(chunks, total);
      total += value.byteLength;
      if (total > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  } finally {
    deadline.clear();
  }
}

function tooSlow(timeoutMs: number): GatewayError {
  return new GatewayError('request_timeout', `the body did not arrive within ${timeoutMs / 1000} s`);
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('body_too_large', `the body is larger than mcp.max_request_bytes (${maxBytes})`);
}
