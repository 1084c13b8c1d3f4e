import { GatewayError } from '../../errors.ts';
import { ObjectText } from '../../json/object.ts';
import { versionHeader } from '../../protocol/headers.ts';
import type { RequestMessage } from '../../protocol/messages.ts';
import type { CallParts } from '../call.ts';
import type { ModernMessage } from '../classify.ts';
import { Reply, type ReplyParts } from '../reply.ts';
import type { EndpointRequest } from '../request.ts';
import { cacheHints } from './caching.ts';
import { ModernCallers } from './callers.ts';
import { type Envelope, envelopeOf } from './envelope.ts';
import { hasNegotiated } from './extensions.ts';
import { checkHeaders } from './headers.ts';
import { ModernCall, type ModernCallParts, type Retry } from './modern-call.ts';
import { Rounds } from './rounds.ts';

/** Requests of the legacy era that the modern one has removed. MCP 2026-07-28, Key Changes. */
const removedMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);
/** Requests that may take several round trips. MCP 2026-07-28, Multi Round-Trip Requests, Supported Requests. */
const retriedMethods: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** `/mcp` for clients of the modern era. MCP 2026-07-28, Transports, Streamable HTTP. */
export class ModernEndpoint {
  readonly #parts: ModernCallParts;
  readonly #replyParts: ReplyParts;
  readonly #callers = new ModernCallers();

  constructor(parts: CallParts, replyParts: ReplyParts) {
    this.#parts = { ...parts, rounds: new Rounds(), cacheHints, hasNegotiated };
    this.#replyParts = replyParts;
  }

  /** Serves a POST. Throws a {@link GatewayError} if it is refused as a whole. */
  serve({ message, meta }: ModernMessage, request: EndpointRequest): void {
    if (message.kind === 'notification') {
      this.#accept(message.method, request);
      return;
    }
    const version = request.header(versionHeader);
    if (message.method === 'initialize' && meta === undefined)
      throw new GatewayError(
        'header_mismatch',
        `Header mismatch: MCP-Protocol-Version is "${version}", whose revisions have no initialize`,
      );
    const envelope = envelopeOf(meta, version);
    checkHeaders(message, request);
    if (removedMethods.has(message.method))
      throw new GatewayError(
        'method_not_found',
        `Method not found: ${message.method} is not of this revision`,
      );
    this.#call(message, envelope, request);
  }

  /** The revision has no notifications of clients over HTTP, but the SDK's clients send `cancelled` when they close a stream. */
  #accept(method: string, request: EndpointRequest): void {
    this.#parts.metrics.request(method, true, 0);
    request.respond(new Response(null, { status: 202 }));
  }

  #call(message: RequestMessage, envelope: Envelope, request: EndpointRequest): void {
    const caller = this.#callers.of(request.principal, request.view, envelope);
    const { params, retry } = neutralParams(message, envelope);
    const reply = new Reply(this.#replyParts, request);
    const call = new ModernCall(this.#parts, { ...message, params }, caller, reply, retry);
    reply.source = call;
    call.start();
  }
}

/** The params of a request without what concerns this hop only. */
function neutralParams(
  { method, params }: RequestMessage,
  { metaText }: Envelope,
): { params: ObjectText | undefined; retry: Retry | null } {
  const neutral = params?.edited('_meta', metaText);
  if (neutral === undefined || !retriedMethods.has(method)) return { params: neutral, retry: null };
  const inputResponses = neutral.member('inputResponses');
  const requestState = neutral.member('requestState');
  if (inputResponses === undefined && requestState === undefined) return { params: neutral, retry: null };
  const without = new ObjectText(neutral.without('inputResponses', 'requestState'));
  return { params: without, retry: { inputResponses, requestState } };
}
