import { GatewayError, messageOf } from '../../errors.ts';
import { ObjectText } from '../../json/object.ts';
import { encodeHeaderValue } from '../../protocol/header-values.ts';
import {
  mediaType,
  methodHeader,
  namedMembers,
  nameHeader,
  sseType,
  versionHeader,
} from '../../protocol/headers.ts';
import { inputRequired } from '../../protocol/questions.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import { type SseEvent, SseParser } from '../../protocol/sse-codec.ts';
import { latestModernVersion } from '../../protocol/versions.ts';
import { paramHeaders, paramHeadersOf } from '../../upstream/modern/param-headers.ts';
import { build } from '../../version.ts';

/** The gateway sends a comment at least every 15 s while a call runs, after 30 s at the latest. */
const idleMs = 90_000;
/** Longer responses are refused. */
const maxChars = 64 * 1024 * 1024;
const maxPages = 1_000;
/** As often as the gateway lets a server ask during a call. */
const maxRounds = 10;

/** Where a gateway serves the view that a client uses. */
export interface McpEndpoint {
  readonly url: string;
  /** Null: clients need none. */
  readonly token: string | null;
}

/** A tool as the gateway lists it. */
export interface ListedTool {
  readonly name: string;
  readonly inputSchema: unknown;
  /** The JSON text of the tool. */
  readonly text: string;
}

/** A question of a server, such as `elicitation/create`. */
export interface ServerQuestion {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What the caller of a tool sees and answers on the way. */
interface CallListener {
  /** A message of the tool about its progress. */
  onProgress(text: string): void;
  /** Resolves to the answer, as the protocol has it. */
  onQuestion(question: ServerQuestion): Promise<unknown>;
}

/**
 * A client of the gateway, of the modern era: it needs no session, and the end of its connection cancels what it asked for.
 * MCP 2026-07-28, Transports, Streamable HTTP. All methods reject with a {@link GatewayError} that says what is wrong.
 */
export class McpClient {
  readonly #endpoint: McpEndpoint;
  #lastId = 0;

  constructor(endpoint: McpEndpoint) {
    this.#endpoint = endpoint;
  }

  /** All tools that the view shows. */
  async tools(signal: AbortSignal): Promise<ListedTool[]> {
    const tools: ListedTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const params = new ObjectText(JSON.stringify(cursor === undefined ? {} : { cursor }));
      const result = await this.#request('tools/list', params, signal);
      const list: unknown = JSON.parse(result.member('tools') ?? '[]');
      for (const tool of Array.isArray(list) ? list : []) {
        if (typeof tool?.name !== 'string') continue;
        tools.push({ name: tool.name, inputSchema: tool.inputSchema, text: JSON.stringify(tool) });
      }
      const next = result.string('nextCursor');
      if (next === undefined || next === cursor) break;
      cursor = next;
    }
    return tools;
  }

  /**
   * Calls a tool, and answers what its server asks. Resolves to the JSON text of the result, which may say that the tool failed.
   * @param argsText the JSON text of the arguments, an object
   */
  async call(
    tool: ListedTool,
    argsText: string,
    listener: CallListener,
    signal: AbortSignal,
  ): Promise<ObjectText> {
    const plain = new ObjectText(`{"name":${JSON.stringify(tool.name)},"arguments":${argsText}}`);
    const headers = paramHeaders(paramHeadersOf(tool.text), plain.object('arguments'));
    let params = plain;
    for (let round = 0; round <= maxRounds; round++) {
      const result = await this.#request('tools/call', params, signal, {
        headers,
        onProgress: listener.onProgress,
      });
      if (result.string('resultType') !== inputRequired) return ownResult(result);
      params = new ObjectText(plain.with(...(await answersTo(result, listener))));
    }
    throw new GatewayError(
      'unavailable',
      `the tool asked more than ${maxRounds} times, which no tool should`,
    );
  }

  async #request(
    method: string,
    params: ObjectText,
    signal: AbortSignal,
    extra: { headers?: Readonly<Record<string, string>>; onProgress?: CallListener['onProgress'] } = {},
  ): Promise<ObjectText> {
    const id = ++this.#lastId;
    const meta = {
      [reservedMeta.protocolVersion]: latestModernVersion,
      [reservedMeta.clientInfo]: { name: 'mcpstead-cli', title: 'mcpstead', version: build.version },
      [reservedMeta.clientCapabilities]: { elicitation: { form: {}, url: {} } },
      ...(extra.onProgress && { progressToken: id }),
    };
    const paramsText = params.with({ name: '_meta', value: JSON.stringify(meta) });
    const body = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${paramsText}}`;
    const target = params.string(namedMembers.get(method) ?? '');
    const idle = new SilenceLimit();
    try {
      // The types do not know that false keeps the proxy of the environment out, which would get the token.
      const options = { proxy: false } as unknown as BunFetchRequestInit;
      const response = await fetch(this.#endpoint.url, {
        ...options,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          [versionHeader]: latestModernVersion,
          [methodHeader]: method,
          ...(target !== undefined && { [nameHeader]: encodeHeaderValue(target) }),
          ...extra.headers,
          ...(this.#endpoint.token !== null && { authorization: `Bearer ${this.#endpoint.token}` }),
        },
        body,
        redirect: 'error',
        signal: AbortSignal.any([signal, idle.signal]),
      });
      idle.heard();
      if (response.status === 401) throw unauthorized(this.#endpoint);
      return resultIn(await messageWith(id, response, idle, extra.onProgress), response.status);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      if (signal.aborted) throw new GatewayError('unavailable', 'cancelled');
      const why = idle.signal.aborted ? 'it does not answer in time' : messageOf(error);
      throw new GatewayError(
        'unavailable',
        `the connection to the gateway at ${this.#endpoint.url} failed: ${why}`,
      );
    } finally {
      idle.end();
    }
  }
}

/** A result without what the gateway says of itself. */
function ownResult(result: ObjectText): ObjectText {
  const own = new ObjectText(result.without('resultType'));
  const meta = own.object('_meta')?.without(reservedMeta.serverInfo);
  if (meta === undefined) return own;
  return own.edited('_meta', meta === '{}' ? null : meta);
}

/** Aborts what nothing has been heard of for too long. */
class SilenceLimit {
  readonly #abort = new AbortController();
  #timer = setTimeout(() => this.#abort.abort(), idleMs);

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(), idleMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** The members of the params that answer all questions of a result. MCP 2026-07-28, Multi Round-Trip Requests. */
async function answersTo(result: ObjectText, listener: CallListener) {
  const asked = JSON.parse(result.member('inputRequests') ?? '{}') as Record<string, ServerQuestion>;
  const answers: Record<string, unknown> = {};
  // One after the other, because one person answers.
  for (const [key, { method, params }] of Object.entries(asked ?? {}))
    answers[key] = await listener.onQuestion({ method, params: params ?? {} });
  const state = result.member('requestState');
  return [
    { name: 'inputResponses', value: JSON.stringify(answers) },
    ...(state === undefined ? [] : [{ name: 'requestState', value: state }]),
  ] as const;
}

/** The text of the response to the request `id`. */
async function messageWith(
  id: number,
  response: Response,
  idle: SilenceLimit,
  onProgress: CallListener['onProgress'] | undefined,
): Promise<string> {
  const isStream = mediaType(response.headers.get('content-type')) === sseType;
  const parser = new SseParser(maxChars);
  const decoder = new TextDecoder();
  let body = '';
  for await (const chunk of response.body ?? []) {
    idle.heard();
    if (!isStream) {
      body += decoder.decode(chunk, { stream: true });
      if (body.length > maxChars) throw new GatewayError('unavailable', 'the gateway sent more than 64 MiB');
      continue;
    }
    for (const event of parser.push(chunk)) {
      const text = responseIn(event, id, onProgress);
      if (text !== null) return text;
    }
  }
  if (!isStream) return body;
  throw new Error('it ended the connection before it answered');
}

/** The text of the response in an event; null: it is something else. */
function responseIn(
  { data }: SseEvent,
  id: number,
  onProgress: CallListener['onProgress'] | undefined,
): string | null {
  const message = ObjectText.of(data);
  if (message === undefined) return null;
  if (message.string('method') === 'notifications/progress') {
    const params = JSON.parse(message.member('params') ?? '{}');
    onProgress?.(progressText(params ?? {}));
    return null;
  }
  return message.member('id') === String(id) && message.string('method') === undefined ? data : null;
}

function progressText({ progress, total, message }: Readonly<Record<string, unknown>>): string {
  const of = typeof total === 'number' ? ` of ${total}` : '';
  const count = typeof progress === 'number' ? `${progress}${of}` : '';
  return [count, typeof message === 'string' ? message : ''].filter((part) => part !== '').join(' ');
}

function resultIn(text: string, status: number): ObjectText {
  const message = text.trimStart().startsWith('{') ? ObjectText.of(text) : undefined;
  const result = message?.object('result');
  if (result !== undefined) return result;
  const error = message?.object('error');
  const said = error?.string('message') ?? message?.string('error');
  throw new GatewayError('call_failed', said ?? `the gateway answered HTTP ${status} without a result`);
}

function unauthorized({ token }: McpEndpoint): GatewayError {
  const what = token === null ? 'the gateway wants a bearer token' : 'the gateway refuses the bearer token';
  return new GatewayError('unavailable', `${what}: set MCPSTEAD_BEARER_TOKEN, or write it into mcpstead.env`);
}
