import { messageOf } from '../errors.ts';
import type { ObjectText } from '../json/object.ts';
import { sessionHeader, versionHeader } from '../protocol/headers.ts';
import { notificationText, requestText } from '../protocol/messages.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import { deadlines } from '../runtime/deadlines.ts';
import { refusal } from './bridged-request.ts';
import type { ClientSide } from './client-side.ts';
import type { BridgeHeaders } from './gateway-endpoint.ts';
import type { BridgeLog, GatewayLink } from './gateway-link.ts';
import { type OwnAnswer, postOwn } from './own-requests.ts';
import { SessionMessages } from './session-messages.ts';
import type { BridgeTimes } from './times.ts';

interface BridgedSessionParts {
  readonly link: GatewayLink;
  readonly client: ClientSide;
  readonly times: BridgeTimes;
  readonly log: BridgeLog;
  readonly closing: Signal;
}

/** What opens a session: the client's own request, and what it was answered. */
interface OpenedSession {
  readonly initializeText: string;
  readonly sessionId: string | null;
  readonly result: ObjectText | undefined;
}

/** Subscriptions that are taken up again; more are not. */
const maxSubscriptions = 10_000;
const initialized = 'notifications/initialized';

/** The client's session with the gateway. When the gateway has lost it, another one takes its place, unseen by the client. */
export class BridgedSession {
  readonly #parts: BridgedSessionParts;
  #initializeText: string | null = null;
  #hasInitialized = false;
  /** The headers of its messages: a new object for each session. */
  #headers: BridgeHeaders = {};
  #opening: PromiseWithResolvers<void> | null = null;
  #renewing: Promise<void> | null = null;
  #stream: SessionMessages | null = null;
  /** The kinds of lists whose changes the gateway reports. */
  #listKinds: string[] = [];
  /** The params of `logging/setLevel` and of `resources/subscribe`, by URI. */
  #logLevel: string | null = null;
  readonly #subscriptions = new Map<string, string>();
  #ownRequests = 0;

  constructor(parts: BridgedSessionParts) {
    this.#parts = parts;
  }

  /** Whether the client has opened one, or is about to. */
  get isUsed(): boolean {
    return this.#initializeText !== null || this.#opening !== null;
  }

  /** The headers of a message, once the session that is being opened is there. */
  headers(): BridgeHeaders | Promise<BridgeHeaders> {
    const pending = this.#opening?.promise ?? this.#renewing;
    return pending
      ? pending.then(
          () => this.#headers,
          () => this.#headers,
        )
      : this.#headers;
  }

  /** The client's `initialize` is on its way. Other messages wait until {@link opened} or {@link notOpened}. */
  opens(): void {
    this.#opening ??= Promise.withResolvers();
  }

  notOpened(): void {
    this.#opening?.resolve();
    this.#opening = null;
  }

  opened(session: OpenedSession): void {
    if (this.#initializeText !== null) void this.#terminate();
    this.#stream?.close();
    this.#hasInitialized = false;
    this.#subscriptions.clear();
    this.#logLevel = null;
    this.#set(session);
    this.notOpened();
  }

  /** Passes the client's notification on. After `initialized`, the messages of the session begin. */
  notify(method: string, text: string): void {
    void this.#post(text).then(() => {
      if (method !== initialized || this.#hasInitialized || this.#initializeText === null) return;
      this.#hasInitialized = true;
      this.#listen();
    });
  }

  /** Passes the client's answer to a question on. */
  respond(text: string): void {
    void this.#post(text);
  }

  /** Remembers what a request has set, because the next process of the gateway will not know it. */
  noted(method: string, params: ObjectText | undefined): void {
    if (params === undefined) return;
    if (method === 'logging/setLevel') this.#logLevel = params.toString();
    const uri = params.string('uri');
    if (uri === undefined) return;
    if (method === 'resources/unsubscribe') this.#subscriptions.delete(uri);
    if (method === 'resources/subscribe' && this.#subscriptions.size < maxSubscriptions)
      this.#subscriptions.set(uri, params.toString());
  }

  /**
   * Opens another session, because the gateway does not know this one. Requests that find this at the same time share the new one.
   * Rejects if it cannot be opened.
   * @param stale the headers of the unknown session
   */
  renew(stale: BridgeHeaders): Promise<void> {
    if (this.#headers !== stale) return Promise.resolve();
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /** Sets up again what the next process of the gateway does not know, and tells the client what may have changed meanwhile. */
  restore(): void {
    const { client } = this.#parts;
    if (this.#logLevel !== null) this.#request('logging/setLevel', this.#logLevel);
    for (const paramsText of this.#subscriptions.values()) this.#request('resources/subscribe', paramsText);
    for (const kind of this.#listKinds) client.send(notificationText(`notifications/${kind}/list_changed`));
    for (const uri of this.#subscriptions.keys())
      client.send(notificationText('notifications/resources/updated', JSON.stringify({ uri })));
  }

  /** Ends the session. Resolves when the gateway has confirmed that, or after `endMs`. */
  async close(): Promise<void> {
    this.#stream?.close();
    await this.#terminate();
  }

  #set({ initializeText, sessionId, result }: OpenedSession): void {
    this.#initializeText = initializeText;
    const version = result?.string('protocolVersion');
    this.#headers = {
      ...(sessionId !== null && { [sessionHeader]: sessionId }),
      ...(version !== undefined && { [versionHeader]: version }),
    };
    const capabilities = result?.object('capabilities');
    this.#listKinds = ['tools', 'prompts', 'resources'].filter((kind) =>
      capabilities?.object(kind)?.isText('listChanged', 'true'),
    );
  }

  async #renew(): Promise<void> {
    const { link, client, times, log, closing } = this.#parts;
    const text = this.#initializeText;
    if (text === null) throw new Error('there is no session to open again');
    this.#stream?.close();
    const own = { text, headers: () => ({}), timeoutMs: times.ownRequestMs };
    const answer = await postOwn(link, own, closing);
    const { message } = answer;
    if (message?.result === undefined)
      throw message?.error ? new Error(message.error.message) : refusal(answer.status, answer.refusal);
    for (const notice of client.questions.endSession()) client.send(notice);
    this.#set({ initializeText: text, sessionId: answer.header(sessionHeader), result: message.result });
    log('the gateway did not know the session any more; another one is open');
    await this.#postWith(notificationText(initialized), () => this.#headers);
    this.#listen();
    this.restore();
  }

  #listen(): void {
    const { link, client, log } = this.#parts;
    this.#stream = new SessionMessages({
      link,
      client,
      log,
      headers: this.#headers,
      onRestart: () => this.restore(),
      onUnknown: (stale) => this.#renewInBackground(stale),
    });
    void this.#stream.follow();
  }

  #renewInBackground(stale: BridgeHeaders): void {
    this.renew(stale).catch((error) => {
      if (!this.#parts.closing.aborted)
        this.#parts.log(`the session cannot be opened again: ${messageOf(error)}`);
    });
  }

  /** A request of the bridge itself, whose answer does not matter. */
  #request(method: string, paramsText: string): void {
    this.#ownRequests++;
    const id = JSON.stringify(`mcpstead-stdio-${this.#ownRequests}`);
    void this.#postWith(requestText(id, JSON.stringify(method), paramsText), () => this.#headers);
  }

  #post(text: string): Promise<void> {
    return this.#postWith(text, () => this.headers());
  }

  /** Posts a message that gets no answer, once more if the gateway does not know the session. */
  async #postWith(text: string, headers: () => BridgeHeaders | Promise<BridgeHeaders>): Promise<void> {
    const { link, times, log, closing } = this.#parts;
    const own = { text, headers, timeoutMs: times.ownRequestMs };
    try {
      const answer = await postOwn(link, own, closing);
      if (!isUnknown(answer)) return;
      await this.renew(answer.headers);
      await postOwn(link, own, closing);
    } catch (error) {
      if (!closing.aborted) log(`a message to the gateway is lost: ${messageOf(error)}`);
    }
  }

  /** MCP 2025-11-25, Transports, Session Management. */
  async #terminate(): Promise<void> {
    const headers = this.#headers;
    if (headers[sessionHeader] === undefined) return;
    const abort = new Abort();
    const deadline = deadlines.add(this.#parts.times.endMs, () => abort.abort());
    try {
      const endpoint = await this.#parts.link.endpoint(abort, performance.now());
      const response = await endpoint.fetch({ method: 'DELETE', headers, abort });
      await response.discard();
      endpoint.done(abort);
    } catch {
      // It ends by itself, some time.
    } finally {
      deadline.clear();
    }
  }
}

/** Whether the gateway does not know the session of a message; another reason for a 404 stands in its body. */
export function isUnknown({
  status,
  headers,
  refusal: body,
}: Pick<OwnAnswer, 'status' | 'headers' | 'refusal'>): boolean {
  return status === 404 && headers[sessionHeader] !== undefined && !/^\s*\{\s*"error"\s*:\s*"/.test(body);
}
