import { GatewayError } from '../../errors.ts';
import type { ObjectText } from '../../json/object.ts';
import type { Ends } from '../../json/scan.ts';
import type { Caller } from '../../protocol/caller.ts';
import type { RequestMessage } from '../../protocol/messages.ts';
import { mayAskOn } from '../../protocol/questions.ts';
import { namesModernEra } from '../../protocol/versions.ts';
import type { Registry } from '../../registry/registry.ts';
import type { CallParts } from '../call.ts';
import { isClaimed, type ModernMessage } from '../classify.ts';
import { Reply, type ReplyParts } from '../reply.ts';
import type { EndpointRequest } from '../request.ts';
import type { ServerDescriptions } from '../server-description.ts';
import { cacheHintsOf } from './caching.ts';
import { ModernCallers } from './callers.ts';
import { discoverResult } from './discover.ts';
import { checkEnvelopeVersion, type Envelope } from './envelope.ts';
import { Envelopes } from './envelopes.ts';
import { hasNegotiated } from './extensions.ts';
import { checkHeaders } from './headers.ts';
import { Listens } from './listens.ts';
import { ModernCall, type ModernCallParts, type Retry, type RoundTrips } from './modern-call.ts';
import { checkParamHeaders } from './param-check.ts';

/** Requests of the legacy era that the modern one has removed. MCP 2026-07-28, Key Changes; SEP-2663, Backward Compatibility. */
const removedMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/result',
  'tasks/list',
]);

interface ModernEndpointParts {
  readonly calls: CallParts;
  readonly replies: ReplyParts;
  readonly rounds: RoundTrips;
  readonly registry: Registry;
  readonly descriptions: ServerDescriptions;
}

/** `/mcp` for clients of the modern era. MCP 2026-07-28, Transports, Streamable HTTP. */
export class ModernEndpoint {
  readonly #parts: ModernEndpointParts;
  readonly #callParts: ModernCallParts;
  readonly #envelopes = new Envelopes();
  readonly #callers = new ModernCallers();
  readonly #listens: Listens;

  constructor(parts: ModernEndpointParts) {
    const { calls, replies, rounds, registry } = parts;
    this.#parts = parts;
    this.#callParts = {
      ...calls,
      rounds,
      cacheHints: (call, answer) => cacheHintsOf(registry, call, answer),
      hasNegotiated,
    };
    this.#listens = new Listens({ router: calls.router, metrics: calls.metrics, streams: replies.streams });
  }

  /** The streams of `subscriptions/listen`. */
  get listens(): Listens {
    return this.#listens;
  }

  /** Where parts of a body end that need not be scanned, because they came lately. */
  endsIn(body: string, version: string | null): Ends | undefined {
    return version !== null && namesModernEra(version) ? this.#envelopes.endsIn(body) : undefined;
  }

  /**
   * Serves a POST.
   * @param version the protocol version that its headers name
   * @throws {GatewayError} if it is refused as a whole
   */
  serve({ message }: ModernMessage, version: string | null, request: EndpointRequest): void {
    if (message.kind === 'notification') {
      this.#accept(message.method, request);
      return;
    }
    if (message.method === 'initialize' && !isClaimed(message.params))
      throw new GatewayError(
        'header_mismatch',
        `Header mismatch: MCP-Protocol-Version is "${version}", whose revisions have no initialize`,
      );
    const envelope = this.#envelopes.read(message.params?.member('_meta'));
    checkEnvelopeVersion(envelope, version);
    checkHeaders(message, version, request);
    if (removedMethods.has(message.method))
      throw new GatewayError(
        'method_not_found',
        `Method not found: ${message.method} is not of this revision`,
      );
    this.#request(message, envelope, request);
  }

  /** The revision has no notifications of clients over HTTP, but the SDK's clients send `cancelled` when they close a stream. */
  #accept(method: string, request: EndpointRequest): void {
    this.#callParts.metrics.request(method, true, 0);
    request.respond(new Response(null, { status: 202 }));
  }

  #request(message: RequestMessage, envelope: Envelope, request: EndpointRequest): void {
    const caller = this.#callers.of(request.principal, request.view, envelope);
    const { params, retry } = neutralParams(message, envelope);
    if (message.method === 'tools/call') this.#checkParams(caller, params, request);
    const { kind, idText, method, methodText } = message;
    const neutral = { kind, idText, method, methodText, params };
    if (message.method === 'subscriptions/listen') {
      this.#listens.open(neutral, caller, request);
      return;
    }
    const { descriptions, replies } = this.#parts;
    const isDiscovery = message.method === 'server/discover';
    const discovered = isDiscovery ? discoverResult(descriptions.of(caller.view, 'modern')) : null;
    const reply = new Reply(replies, request);
    const call = new ModernCall(this.#callParts, neutral, caller, reply, retry);
    reply.source = call;
    if (discovered === null) call.start();
    else call.complete({ kind: 'result', payload: discovered });
  }

  #checkParams(caller: Caller, params: ObjectText | undefined, request: EndpointRequest): void {
    const tools = this.#parts.registry.view(caller.view)?.catalog('tools');
    const tool = tools?.find(params?.string('name') ?? '');
    if (tool !== undefined && tool.paramHeaders.length > 0)
      checkParamHeaders(tool.paramHeaders, params, request);
  }
}

/** The params of a request without what concerns this hop only. */
function neutralParams(
  { method, params }: RequestMessage,
  { metaText }: Envelope,
): { params: ObjectText | undefined; retry: Retry | null } {
  const neutral = params?.edited('_meta', metaText);
  if (neutral === undefined || !mayAskOn(method)) return { params: neutral, retry: null };
  const inputResponses = neutral.member('inputResponses');
  const requestState = neutral.member('requestState');
  if (inputResponses === undefined && requestState === undefined) return { params: neutral, retry: null };
  const rest = neutral.edited('inputResponses', null).edited('requestState', null);
  return { params: rest, retry: { inputResponses, requestState } };
}
