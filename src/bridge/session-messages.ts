import { messageOf } from '../errors.ts';
import { HttpFailure, toHttpFailure } from '../http-client/http-failure.ts';
import type { HttpResponse } from '../http-client/response.ts';
import { lastEventHeader } from '../protocol/headers.ts';
import { Abort } from '../runtime/abort.ts';
import { sleep } from '../runtime/deadlines.ts';
import { refusal } from './bridged-request.ts';
import type { ClientSide } from './client-side.ts';
import type { BridgeHeaders, GatewayEndpoint } from './gateway-endpoint.ts';
import { type BridgeLog, type GatewayLink, isFinal } from './gateway-link.ts';
import { isStream, readMessages } from './response-messages.ts';

interface StreamParts {
  readonly link: GatewayLink;
  readonly client: ClientSide;
  readonly log: BridgeLog;
  /** Those of the session. */
  readonly headers: BridgeHeaders;
  /** Called when the stream is open again, and the gateway is another process than before. */
  readonly onRestart: () => void;
  /** Called when the gateway does not know the session. The stream has ended. */
  readonly onUnknown: (headers: BridgeHeaders) => void;
}

/** The pauses before the stream is opened again: after a good stream, and after each further failure. */
const firstPauseMs = 100;
const maxPauseMs = 2_000;
/** How long it may take until there is a gateway; then it is asked for again. */
const reachMs = 60_000;

/** The session's GET stream: what the gateway sends outside of requests. MCP 2025-11-25, Transports, Listening for Messages. */
export class SessionMessages {
  readonly #parts: StreamParts;
  readonly #abort = new Abort();
  #lastEventId = '';
  #retryMs: number | null = null;
  #failures = 0;
  #restarts: number;
  /** Whether the stream has been open. */
  #hasOpened = false;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#restarts = parts.link.restarts;
  }

  close(): void {
    this.#abort.abort();
  }

  /** Keeps the stream open until it is closed, or the gateway offers none. Never rejects. */
  async follow(): Promise<void> {
    while (!this.#abort.aborted) {
      try {
        if (await this.#listen()) return;
      } catch (error) {
        if (this.#abort.aborted) return;
        this.#failures++;
        if (this.#failures === 3 && this.#hasOpened)
          this.#parts.log(`the stream of server messages does not open again: ${messageOf(error)}`);
      }
      const least = this.#failures === 0 ? firstPauseMs : firstPauseMs * 2 ** Math.min(this.#failures, 10);
      const pauseMs = Math.min(Math.max(least, this.#failures > 0 ? (this.#retryMs ?? 0) : 0), maxPauseMs);
      await sleep(pauseMs, this.#abort);
    }
  }

  /** Opens the stream and reads it to its end. Resolves to whether it must not be opened again. */
  async #listen(): Promise<boolean> {
    const { link, headers, onUnknown, log } = this.#parts;
    const endpoint = await this.#endpoint();
    if (endpoint === null) return false;
    // A stream ends with this abort, and the next one needs another.
    const abort = new Abort();
    const stop = () => abort.abort();
    this.#abort.addEventListener('abort', stop, { once: true });
    try {
      const resuming = this.#lastEventId === '' ? {} : { [lastEventHeader]: this.#lastEventId };
      const response = await endpoint.fetch({ method: 'GET', headers: { ...headers, ...resuming }, abort });
      link.works(endpoint);
      if (response.ok && isStream(response)) {
        await this.#read(endpoint, response);
        return false;
      }
      const body = await response.beginning();
      if (response.status === 404) {
        // Some servers answer so if they offer no stream.
        if (this.#hasOpened) onUnknown(headers);
        return true;
      }
      // It cannot be resumed, or has nothing more to bring.
      const isStale = response.status === 400 || response.status === 204;
      if (isStale && this.#lastEventId !== '') {
        this.#lastEventId = '';
        return false;
      }
      if (response.ok || response.status === 405 || response.status === 501) return true;
      if (response.status === 401 || response.status === 403) log(refusal(response.status, body).message);
      throw refusal(response.status, body);
    } catch (error) {
      const failure = toHttpFailure(error);
      if (error instanceof HttpFailure && failure.kind === 'refused') link.lost(endpoint, failure, true);
      throw error;
    } finally {
      endpoint.done(abort);
      this.#abort.removeEventListener('abort', stop);
    }
  }

  async #endpoint(): Promise<GatewayEndpoint | null> {
    try {
      return await this.#parts.link.endpoint(this.#abort, performance.now() + reachMs, false);
    } catch (error) {
      // The configuration may be mended.
      if (isFinal(error)) await sleep(maxPauseMs, this.#abort);
      throw error;
    }
  }

  async #read(endpoint: GatewayEndpoint, response: HttpResponse): Promise<void> {
    const { link, client, onRestart } = this.#parts;
    this.#failures = 0;
    const isOther = this.#restarts !== link.restarts;
    this.#restarts = link.restarts;
    if (this.#hasOpened && isOther) onRestart();
    this.#hasOpened = true;
    let isFirst = true;
    await readMessages(response, {
      heard: () => endpoint.heard(),
      take: (content) => client.pass(content, null),
      onEvent: (id, retryMs) => {
        if (isFirst && !isOther && isOtherStream(this.#lastEventId, id)) onRestart();
        isFirst = false;
        this.#lastEventId = id;
        this.#retryMs = retryMs;
      },
    });
  }
}

/**
 * Whether an event belongs to another stream than the one before: mcpstead begins the ids of a stream with its name. A process that was
 * replaced within a moment is noticed so.
 */
function isOtherStream(last: string, id: string): boolean {
  const nameOf = (text: string) => /^(.+)-\d+$/.exec(text)?.[1];
  const name = nameOf(last);
  return name !== undefined && nameOf(id) !== undefined && nameOf(id) !== name;
}
