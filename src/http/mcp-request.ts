import type { Endpoint } from '../downstream/endpoint.ts';
import type { EndpointRequest } from '../downstream/request.ts';
import type { GatewayError } from '../errors.ts';
import type { Principal } from '../protocol/caller.ts';
import { type AcceptedTypes, parseAccept } from '../protocol/headers.ts';
import type { Holding } from '../runtime/byte-budget.ts';
import { type Sendable, sendBatch } from '../runtime/send-batch.ts';
import { BodyRequest } from './request-body.ts';

/** Bun closes connections that are idle for this long; keep-alive comments are more frequent. */
export const idleTimeoutSeconds = 120;
/** A client whose body could not be held may retry after this time. */
const retryAfterSeconds = 1;

/** A request to the MCP endpoint, from its head to its response. */
export class McpRequest extends BodyRequest implements EndpointRequest, Sendable {
  readonly #endpoint: Endpoint;
  readonly #server: Bun.Server<undefined>;
  readonly accepted: AcceptedTypes;
  readonly principal: Principal;
  readonly view: string;
  readonly #result = Promise.withResolvers<Response>();
  #response: Response | null = null;
  #holding: Holding | null = null;
  #isLong = false;

  /**
   * @param view the part of the gateway that the path names; empty for the whole
   * @param maxBytes limits the body
   */
  constructor(
    endpoint: Endpoint,
    request: Request,
    server: Bun.Server<undefined>,
    principal: Principal,
    view: string,
    maxBytes: number,
  ) {
    super(request, maxBytes);
    this.#endpoint = endpoint;
    this.#server = server;
    this.principal = principal;
    this.view = view;
    this.accepted = parseAccept(request.headers.get('accept'));
  }

  /** Never rejects. */
  get response(): Promise<Response> {
    return this.#result.promise;
  }
  get method(): string {
    return this.request.method;
  }
  get signal(): AbortSignal {
    return this.request.signal;
  }

  header(name: string): string | null {
    return this.request.headers.get(name);
  }

  bodyRead(text: string, holding: Holding | null): void {
    this.#holding = holding;
    this.#endpoint.bodyRead(this, text);
  }

  bodyFailed(error: GatewayError): void {
    const response = this.#endpoint.bodyFailed(this, error);
    // The rest of the body would be parsed as the next request.
    response.headers.set('connection', 'close');
    if (error.kind === 'overloaded') response.headers.set('retry-after', String(retryAfterSeconds));
    this.respond(response);
  }

  onLong(): void {
    this.#isLong = true;
    this.#server.timeout(this.request, 0);
  }

  onEnd(): void {
    this.#holding?.release();
  }

  respond(response: Response): void {
    this.onEnd();
    // The timeout belongs to the connection, and must not apply to its next request.
    if (this.#isLong) this.#server.timeout(this.request, idleTimeoutSeconds);
    this.#response = response;
    sendBatch.add(this);
  }

  stream(response: Response): void {
    this.#result.resolve(response);
  }

  send(): void {
    this.#result.resolve(this.#response as Response);
  }
}
