import { toHttpFailure } from '../http-client/http-failure.ts';
import type { HttpResponse } from '../http-client/response.ts';
import { lastEventHeader, sessionHeader } from '../protocol/headers.ts';
import type { RequestMessage, ResponseMessage } from '../protocol/messages.ts';
import type { Holding } from '../runtime/byte-budget.ts';
import { sleep } from '../runtime/deadlines.ts';
import { BridgedRequest, type RequestParts } from './bridged-request.ts';
import { type BridgedSession, isUnknown } from './bridged-session.ts';
import type { BridgeHeaders, GatewayEndpoint } from './gateway-endpoint.ts';
import { postOwn } from './own-requests.ts';
import { isStream } from './response-messages.ts';

interface LegacyParts extends RequestParts {
  readonly session: BridgedSession;
}

/** How often the session is opened again for one request. */
const maxRenewals = 2;
/** How often in a row a stream is resumed although nothing new comes from it, and the wait before. */
const maxIdleResumptions = 5;
const resumeMs = { usual: 500, least: 100, most: 10_000 };
/** A cancellation may overtake its request: it is sent again while the request is not over. */
const cancelMs = 1_000;
const maxCancellations = 3;

/** A request of the legacy era, in the client's session. */
export class LegacyRequest extends BridgedRequest {
  protected readonly errorCode = -32000;
  protected readonly session: BridgedSession;
  #headers: BridgeHeaders = {};
  #renewals = 0;
  #isSent = false;
  #lastEventId = '';
  #retryMs: number | null = null;
  #idleResumptions = 0;

  constructor(message: RequestMessage, text: string, holding: Holding, parts: LegacyParts) {
    super(message, text, holding, parts);
    this.session = parts.session;
  }

  /** MCP 2025-11-25, Cancellation. */
  cancel(text: string): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    if (this.#isSent) void this.#cancelRepeatedly(text);
    else this.abort.abort();
  }

  onEvent(id: string, retryMs: number | null): void {
    this.#lastEventId = id;
    this.#retryMs = retryMs;
    this.#idleResumptions = 0;
  }

  protected async headers(): Promise<BridgeHeaders> {
    this.#headers = await this.session.headers();
    this.#isSent = true;
    return this.#headers;
  }

  protected override answer(message: ResponseMessage, text: string): Promise<void> | undefined {
    if (message.error === undefined) this.session.noted(this.method, this.params);
    return super.answer(message, text);
  }

  protected override async refused(response: HttpResponse, body: string): Promise<boolean> {
    const { status } = response;
    if (!isUnknown({ status, headers: this.#headers, refusal: body }) || this.#renewals++ === maxRenewals)
      return super.refused(response, body);
    await this.session.renew(this.#headers);
    return false;
  }

  protected override async receive(endpoint: GatewayEndpoint, response: HttpResponse): Promise<boolean> {
    let broken = await this.read(response);
    while (!this.isAnswered && !this.isCancelled) {
      const resumed = await this.#resume(endpoint, broken !== null);
      if (resumed === null) return this.unanswered(broken);
      broken = await this.read(resumed);
    }
    return true;
  }

  /**
   * The rest of a stream that broke off; null: there is none. Another process of the gateway does not know the stream. MCP
   * 2025-11-25, Transports, Resumability and Redelivery.
   * @param isBroken whether the connection broke: only a gateway that closes it says when to come back
   */
  async #resume(endpoint: GatewayEndpoint, isBroken: boolean): Promise<HttpResponse | null> {
    if (this.#headers[sessionHeader] === undefined) return null;
    while (this.#lastEventId !== '' && this.#idleResumptions++ < maxIdleResumptions) {
      const isFirst = isBroken && this.#idleResumptions === 1;
      const delayMs = isFirst ? resumeMs.least : Math.max(resumeMs.least, this.#retryMs ?? resumeMs.usual);
      if (!(await sleep(Math.min(delayMs, resumeMs.most), this.abort))) throw this.abort.reason;
      const headers = { ...this.#headers, [lastEventHeader]: this.#lastEventId };
      try {
        const response = await endpoint.fetch({ method: 'GET', headers, abort: this.abort });
        if (response.ok && isStream(response)) return response;
        await response.discard();
        return null;
      } catch (error) {
        if (this.abort.aborted) throw this.abort.reason;
        // Its process has ended, and the stream with it.
        if (toHttpFailure(error).kind === 'refused') return null;
      }
    }
    return null;
  }

  async #cancelRepeatedly(text: string): Promise<void> {
    const { link, times } = this.parts;
    const own = { text, headers: () => this.#headers, timeoutMs: times.ownRequestMs };
    for (let count = 0; count < maxCancellations && !this.abort.aborted; count++) {
      await postOwn(link, own, this.abort).catch(() => {});
      await sleep(cancelMs, this.abort);
    }
    this.abort.abort();
  }
}

/** The client's `initialize`. MCP 2025-11-25, Lifecycle, Initialization. */
export class InitializeRequest extends LegacyRequest {
  #sessionId: string | null = null;

  override async run(): Promise<void> {
    this.session.opens();
    await super.run();
    this.session.notOpened();
  }

  /** It must not be cancelled. MCP 2025-11-25, Cancellation. */
  override cancel(): void {}

  protected override async headers(): Promise<BridgeHeaders> {
    return {};
  }

  protected override receive(endpoint: GatewayEndpoint, response: HttpResponse): Promise<boolean> {
    this.#sessionId = response.header(sessionHeader);
    return super.receive(endpoint, response);
  }

  protected override answer(message: ResponseMessage, text: string): Promise<void> | undefined {
    const { result } = message;
    if (result !== undefined)
      this.session.opened({ initializeText: this.text, sessionId: this.#sessionId, result });
    return super.answer(message, text);
  }
}
