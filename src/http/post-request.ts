import type { Endpoint, PostedBody } from '../downstream/endpoint.ts';
import type { Principal } from '../downstream/legacy/session-ids.ts';
import type { GatewayError } from '../errors.ts';
import { type AcceptedTypes, sessionHeader, versionHeader } from '../protocol/headers.ts';
import type { Holding } from '../runtime/byte-budget.ts';
import type { Completion } from '../runtime/completion.ts';
import { type Sendable, sendBatch } from '../runtime/send-batch.ts';
import type { HeldText } from './request-body.ts';

/** Closes connections on which nothing moves; keep-alive comments come well within it. */
export const idleTimeoutSeconds = 120;
/** When a client may try again whose body could not be held. */
const retryAfterSeconds = 1;

/** A POST to the MCP endpoint: waits for its body, hands it over, and waits for the answer. */
export class PostRequest implements PostedBody, Completion<string | HeldText>, Sendable {
  readonly #request: Request;
  readonly #server: Bun.Server<undefined>;
  readonly #endpoint: Endpoint;
  readonly accepted: AcceptedTypes;
  readonly principal: Principal;
  readonly #result = Promise.withResolvers<Response>();
  #response: Response | null = null;
  #text = '';
  #holding: Holding | null = null;
  #isLong = false;

  constructor(
    request: Request,
    server: Bun.Server<undefined>,
    accepted: AcceptedTypes,
    principal: Principal,
    endpoint: Endpoint,
  ) {
    this.#request = request;
    this.#server = server;
    this.accepted = accepted;
    this.principal = principal;
    this.#endpoint = endpoint;
  }

  /** The answer. Never rejects. */
  get response(): Promise<Response> {
    return this.#result.promise;
  }
  get text(): string {
    return this.#text;
  }
  get sessionId(): string | null {
    return this.#request.headers.get(sessionHeader);
  }
  get protocolVersion(): string | null {
    return this.#request.headers.get(versionHeader);
  }
  get signal(): AbortSignal {
    return this.#request.signal;
  }

  /** The body has arrived. */
  resolve(body: string | HeldText): void {
    if (typeof body === 'string') this.#text = body;
    else {
      this.#text = body.text;
      this.#holding = body.holding;
    }
    this.#endpoint.post(this);
  }

  /** @param reason the {@link GatewayError} of a body that could not be read */
  reject(reason: unknown): void {
    const error = reason as GatewayError;
    // What is left of the body would be taken for the next request.
    const headers: Record<string, string> = { connection: 'close' };
    if (error.kind === 'overloaded') headers['retry-after'] = String(retryAfterSeconds);
    this.respond(this.#endpoint.refusal(error, headers));
  }

  onLong(): void {
    this.#isLong = true;
    this.#server.timeout(this.#request, 0);
  }

  ended(): void {
    this.#holding?.release();
  }

  respond(response: Response): void {
    this.ended();
    // The setting belongs to the connection, and the next request on it shall not inherit it.
    if (this.#isLong) this.#server.timeout(this.#request, idleTimeoutSeconds);
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
