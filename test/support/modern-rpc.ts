import { messagesOf, type RpcMessage, rawPost } from './rpc.ts';

const prefix = 'io.modelcontextprotocol/';

/** The `_meta` of a request of revision 2026-07-28. */
export const modernMeta = {
  [`${prefix}protocolVersion`]: '2026-07-28',
  [`${prefix}clientInfo`]: { name: 'raw-modern', version: '1.0.0' },
  [`${prefix}clientCapabilities`]: {},
};

interface ModernRequest {
  /** Further params, whose `_meta` is added to the usual one. */
  readonly params?: Record<string, unknown> & { _meta?: Record<string, unknown> };
  /** Further headers; null: without this one. */
  readonly headers?: Record<string, string | null>;
  readonly id?: string | number;
  readonly signal?: AbortSignal;
}

/** What became of a modern request. */
interface ModernAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The messages before the answer. */
  readonly before: RpcMessage[];
  readonly answer: RpcMessage;
}

/** POSTs a request of revision 2026-07-28 as the specification wants it, but for what `request` changes. */
export function postModern(url: string, method: string, request: ModernRequest = {}): Promise<Response> {
  const { params = {}, headers = {}, id = 1, signal } = request;
  const name = params.name ?? params.uri ?? params.taskId;
  const all: Record<string, string | null> = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    'mcp-name': typeof name === 'string' ? name : null,
    ...headers,
  };
  const present = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null);
  const body = {
    jsonrpc: '2.0',
    id,
    method,
    params: { ...params, _meta: { ...modernMeta, ...params._meta } },
  };
  return rawPost(url, body, Object.fromEntries(present), signal);
}

/** The same, read to its answer. */
export async function askModern(url: string, method: string, request?: ModernRequest): Promise<ModernAnswer> {
  const response = await postModern(url, method, request);
  const messages: RpcMessage[] = [];
  for await (const message of messagesOf(response)) messages.push(message);
  const answer = messages.pop() ?? {};
  return { status: response.status, headers: response.headers, before: messages, answer };
}
