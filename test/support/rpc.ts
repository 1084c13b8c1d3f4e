/** A JSON-RPC message of any content, as a test reads or writes it. */
export interface RpcMessage {
  jsonrpc?: string;
  id?: string | number | null;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever a peer sent
  params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever a peer sent
  result?: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever a peer sent
  error?: any;
}

/** Both content types, as MCP 2025-11-25, Transports, Streamable HTTP requires of clients. */
export const acceptBoth = 'application/json, text/event-stream';

/** POSTs `body` (a string goes as it is) as `application/json` that accepts JSON and SSE; `headers` win. */
export function rawPost(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    ...(signal && { signal }),
    headers: { 'content-type': 'application/json', accept: acceptBoth, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** The JSON-RPC messages of an answer in the order of their arrival, whether it is JSON or SSE. */
export async function* messagesOf(response: Response): AsyncGenerator<RpcMessage> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const text = await response.text();
    if (text === '') return;
    const body = JSON.parse(text) as RpcMessage | RpcMessage[];
    yield* Array.isArray(body) ? body : [body];
    return;
  }
  if (!response.body) return;
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of response.body) {
    buffer += decoder.decode(chunk, { stream: true });
    for (let end = buffer.indexOf('\n\n'); end !== -1; end = buffer.indexOf('\n\n')) {
      const data = dataOf(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
      if (data !== '') yield JSON.parse(data) as RpcMessage;
    }
  }
}

function dataOf(event: string): string {
  const lines = event.split('\n').filter((line) => line.startsWith('data:'));
  return lines.map((line) => line.slice('data:'.length).trimStart()).join('\n');
}

/** An answer with all earlier messages. */
interface Answered {
  readonly response: Response;
  /** Notifications and requests that arrived before the answer, in order. */
  readonly before: RpcMessage[];
  readonly answer: RpcMessage;
}

/** A session of the legacy era without an SDK: the test chooses ids, tokens and headers. */
export class RawSession implements AsyncDisposable {
  readonly url: string;
  readonly id: string;
  readonly #headers: Record<string, string>;
  #nextId = 1;

  private constructor(url: string, id: string, headers: Record<string, string>) {
    this.url = url;
    this.id = id;
    this.#headers = headers;
  }

  /** Initializes a session at `url`. */
  static async open(
    url: string,
    options: { headers?: Record<string, string>; capabilities?: object; protocolVersion?: string } = {},
  ): Promise<RawSession> {
    const params = {
      protocolVersion: options.protocolVersion ?? '2025-11-25',
      capabilities: options.capabilities ?? {},
      clientInfo: { name: 'raw', version: '1.0.0' },
    };
    const response = await rawPost(
      url,
      { jsonrpc: '2.0', id: 0, method: 'initialize', params },
      options.headers,
    );
    let answer: RpcMessage = {};
    for await (const message of messagesOf(response)) answer = message;
    const id = response.headers.get('mcp-session-id');
    if (!answer.result || id === null) {
      throw new Error(`initialize got ${response.status}: ${JSON.stringify(answer)}, session ${id}`);
    }
    const session = new RawSession(url, id, {
      'mcp-session-id': id,
      'mcp-protocol-version': answer.result.protocolVersion,
      ...options.headers,
    });
    await session.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return session;
  }

  /** POSTs one message or a batch in this session. */
  post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return rawPost(this.url, body, { ...this.#headers, ...headers });
  }

  /** Sends a request and reads until its answer. */
  async request(
    method: string,
    params: object = {},
    id: string | number = this.#nextId++,
  ): Promise<Answered> {
    const response = await this.post({ jsonrpc: '2.0', id, method, params });
    const before: RpcMessage[] = [];
    for await (const message of messagesOf(response)) {
      if (message.method === undefined) return { response, before, answer: message };
      before.push(message);
    }
    throw new Error(`${method} ended without an answer: HTTP ${response.status}`);
  }

  /** Calls a tool and returns the text of its result. Throws an error with any other answer. */
  async callText(tool: string, args: object = {}): Promise<string> {
    const { answer } = await this.request('tools/call', { name: tool, arguments: args });
    const text = answer.result?.content?.[0]?.text;
    if (typeof text !== 'string') throw new Error(`${tool} answered ${JSON.stringify(answer).slice(0, 500)}`);
    return text;
  }

  /** Opens the stream of the server's own messages. Ending the iteration closes it. */
  async listen(): Promise<AsyncGenerator<RpcMessage>> {
    const response = await fetch(this.url, { headers: { ...this.#headers, accept: 'text/event-stream' } });
    if (response.status !== 200) throw new Error(`GET got ${response.status}: ${await response.text()}`);
    return messagesOf(response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await fetch(this.url, { method: 'DELETE', headers: this.#headers }).catch(() => undefined);
  }
}
