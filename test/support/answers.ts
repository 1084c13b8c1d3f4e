import type { RpcMessage } from './rpc.ts';

/** Closes the connection in place of an answer. */
export const hangUp = Symbol('hang up');

/** A JSON-RPC result as a JSON response. */
export function rpcResult(id: RpcMessage['id'], result: unknown, init?: ResponseInit): Response {
  return Response.json({ jsonrpc: '2.0', id: id ?? null, result }, init);
}

/** A JSON-RPC error as a JSON response. `id` undefined leaves the member out. */
export function rpcError(id: RpcMessage['id'], code: number, message: string, init?: ResponseInit): Response {
  return Response.json({ jsonrpc: '2.0', ...(id !== undefined && { id }), error: { code, message } }, init);
}

/** An SSE response of exactly these bytes, each of `chunks` written on its own. */
export function sse(...chunks: (string | Uint8Array)[]): Response {
  return streamed(chunks, { headers: { 'content-type': 'text/event-stream' } });
}

/** A `message` event that carries `message`. */
export function sseEvent(message: unknown): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** A response with a body that arrives chunk by chunk. */
export function streamed(
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  init?: ResponseInit,
): Response {
  const encoder = new TextEncoder();
  async function* all() {
    yield* chunks;
  }
  const iterator = all();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value);
    },
    cancel: () => void iterator.return(),
  });
  return new Response(body, init);
}

/** A response that sends `head`, then breaks the connection in the middle of the body. */
export function cutAfter(head: string, contentType: string): Response {
  async function* chunks() {
    yield head;
    throw new Error('cut');
  }
  return streamed(chunks(), { headers: { 'content-type': contentType } });
}

/** A response that repeats `chunk` until the reader disconnects, at most `maxBytes`. */
export function endless(
  chunk: string,
  contentType: string,
  maxBytes = 256 * 1024 * 1024,
  status = 200,
): Response {
  async function* chunks() {
    for (let sent = 0; sent < maxBytes; sent += chunk.length) yield chunk;
    throw new Error('nobody stopped an endless answer');
  }
  return streamed(chunks(), { status, headers: { 'content-type': contentType } });
}

/** An answer that never comes. */
export const never = () => new Promise<never>(() => {});

/** Answers of real servers to an unknown session. */
export const staleSessionDialects: Record<string, (message: RpcMessage) => Response> = {
  '404 with plain text': () => new Response('Session not found', { status: 404 }),
  '404 with an empty body': () => new Response(null, { status: 404 }),
  '404 with JSON-RPC -32001': () => rpcError(null, -32001, 'Session not found', { status: 404 }),
  '400 "No valid session ID" without an id': () =>
    rpcError(undefined, -32000, 'Bad Request: No valid session ID provided', { status: 400 }),
  '400 "Server not initialized"': () =>
    rpcError(null, -32000, 'Bad Request: Server not initialized', { status: 400 }),
  '401 that names the session': () => new Response('Invalid session ID', { status: 401 }),
  '403 that names the session': () => new Response('Session expired', { status: 403 }),
  '410 that names the session': () => new Response('Session has been terminated', { status: 410 }),
  '200 with JSON-RPC -32001': (message) => rpcError(message.id, -32001, 'Session not found'),
};
