import type { HttpResponse } from '../http-client/response.ts';
import { ObjectText } from '../json/object.ts';
import { eachElement } from '../json/scan.ts';
import { errorCodes } from '../protocol/error-codes.ts';
import { encodeHeaderValue } from '../protocol/header-values.ts';
import { methodHeader, namedMembers, nameHeader, versionHeader } from '../protocol/headers.ts';
import { type RequestMessage, type ResponseMessage, requestText } from '../protocol/messages.ts';
import { reservedMeta } from '../protocol/reserved-meta.ts';
import type { Holding } from '../runtime/byte-budget.ts';
import { paramHeaders, ToolHeaders } from '../upstream/modern/param-headers.ts';
import { BridgedRequest, type RequestParts } from './bridged-request.ts';
import type { BridgeHeaders } from './gateway-endpoint.ts';
import { postOwn } from './own-requests.ts';
import { messagesIn } from './response-messages.ts';

/** The most pages of a list of tools. */
const maxPages = 1_000;

export interface ModernParts extends RequestParts {
  readonly tools: KnownTools;
}

/** The annotated parameters of the tools that the gateway has listed. */
export class KnownTools {
  #headers = new ToolHeaders();

  headersFor(name: string, args: ObjectText | undefined): BridgeHeaders {
    const annotated = this.#headers.of(name);
    return annotated === undefined ? {} : paramHeaders(annotated, args);
  }

  /** Learns from a page of the list of tools. */
  learn(result: ObjectText | undefined): void {
    learnFrom(result, this.#headers);
  }

  /** Takes the whole list. */
  replaceBy(headers: ToolHeaders): void {
    this.#headers = headers;
  }
}

function learnFrom(result: ObjectText | undefined, headers: ToolHeaders): void {
  const tools = result?.member('tools');
  if (tools === undefined || !tools.startsWith('[') || !tools.includes('x-mcp-header')) return;
  for (const text of eachElement(tools)) {
    const tool = ObjectText.of(text);
    if (tool?.string('name') === undefined) continue;
    try {
      headers.add(tool);
    } catch {
      // The gateway does not take calls of it over HTTP.
    }
  }
}

/** Whether params claim to be of the modern era. MCP 2026-07-28, Versioning. */
export function isModern(params: ObjectText | undefined): boolean {
  return params?.object('_meta')?.member(reservedMeta.protocolVersion) !== undefined;
}

/** A request of the modern era, which says all of its client in `_meta`. MCP 2026-07-28, Transports, Streamable HTTP. */
export class ModernRequest extends BridgedRequest {
  protected readonly errorCode = errorCodes.internalError;
  readonly #tools: KnownTools;
  #hasListed = false;

  constructor(message: RequestMessage, text: string, holding: Holding, parts: ModernParts) {
    super(message, text, holding, parts);
    this.#tools = parts.tools;
  }

  /** Over HTTP, the end of the connection is the cancellation. MCP 2026-07-28, Cancellation. */
  cancel(): void {
    this.end(null);
  }

  /** MCP 2026-07-28, Streamable HTTP, Request Metadata. */
  protected headers(): BridgeHeaders {
    const { method, params } = this;
    const headers = headersOf(method, params);
    const member = namedMembers.get(method);
    const name = member === undefined ? undefined : params?.string(member);
    if (name === undefined) return headers;
    const named = { ...headers, [nameHeader]: encodeHeaderValue(name) };
    if (method !== 'tools/call') return named;
    return { ...named, ...this.#tools.headersFor(name, params?.object('arguments')) };
  }

  protected override answer(message: ResponseMessage, text: string): Promise<void> | undefined {
    if (this.method === 'tools/list') this.#tools.learn(message.result);
    return super.answer(message, text);
  }

  /** The client may have listed no tools, or lately changed ones: they are listed again, once. */
  protected override async refused(response: HttpResponse, body: string): Promise<boolean> {
    const [content] = messagesIn(body);
    const code = content?.message.kind === 'response' ? content.message.error?.code : undefined;
    if (code !== errorCodes.headerMismatch || this.method !== 'tools/call' || this.#hasListed)
      return super.refused(response, body);
    this.#hasListed = true;
    await this.#listTools();
    return false;
  }

  async #listTools(): Promise<void> {
    const { link, times } = this.parts;
    const meta = this.params?.member('_meta') ?? '{}';
    const listed = new ToolHeaders();
    let cursor: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const own = cursor === undefined ? '' : `,"cursor":${cursor}`;
      const text = requestText('"mcpstead-stdio"', '"tools/list"', `{"_meta":${meta}${own}}`);
      const headers = () => headersOf('tools/list', this.params);
      const { message } = await postOwn(link, { text, headers, timeoutMs: times.ownRequestMs }, this.abort);
      learnFrom(message?.result, listed);
      const next = message?.result?.member('nextCursor');
      if (next === undefined || next === 'null' || next === cursor) break;
      cursor = next;
    }
    this.#tools.replaceBy(listed);
  }
}

/** The headers that repeat the version and the method. */
export function headersOf(method: string, params: ObjectText | undefined): BridgeHeaders {
  const version = params?.object('_meta')?.string(reservedMeta.protocolVersion);
  return {
    // A wrong one is for the gateway to refuse.
    ...(version !== undefined && { [versionHeader]: encodeHeaderValue(version) }),
    [methodHeader]: encodeHeaderValue(method),
  };
}
