import { GatewayError, messageOf } from '../errors.ts';
import { HttpFailure, toHttpFailure } from '../http-client/http-failure.ts';
import type { HttpResponse } from '../http-client/response.ts';
import type { ObjectText } from '../json/object.ts';
import {
  errorText,
  type RequestId,
  type RequestMessage,
  type ResponseMessage,
} from '../protocol/messages.ts';
import { Abort } from '../runtime/abort.ts';
import type { Holding } from '../runtime/byte-budget.ts';
import { type Deadline, deadlines, sleep } from '../runtime/deadlines.ts';
import type { ClientSide } from './client-side.ts';
import type { BridgeHeaders, GatewayEndpoint } from './gateway-endpoint.ts';
import type { BridgeLog, GatewayLink } from './gateway-link.ts';
import { type GatewayMessage, type MessageSink, messagesIn, readMessages } from './response-messages.ts';
import type { BridgeTimes } from './times.ts';

/** The dependencies of requests of both eras. */
export interface RequestParts {
  readonly link: GatewayLink;
  readonly client: ClientSide;
  readonly times: BridgeTimes;
  readonly log: BridgeLog;
}

/**
 * The pause between a notification and the answer. The SDKs' clients drop progress that they read together with the answer, because
 * they handle it later.
 */
const beforeAnswerMs = 10;
/** How long a stream may go on after the answer before it is cut. */
const afterAnswerMs = 2_000;
/** How often a request whose connection broke is sent again, if that is safe, and the pause before. */
const maxRepetitions = 3;
const repetitionPauseMs = 100;
/** The pause before a request is sent again to a gateway that is busy or ends. */
const busyPauseMs = 500;
const maxQuotedChars = 200;

/** Requests that change nothing, or the same once more. All others are sent again only if they surely were not executed. */
const repeatable: ReadonlySet<string> = new Set([
  'initialize',
  'server/discover',
  'ping',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
  'completion/complete',
  'logging/setLevel',
  'tasks/get',
  'tasks/list',
  'skills/list',
  'skills/get',
]);

/** A request of the client on its way through the gateway, from its line to the line of its answer. */
export abstract class BridgedRequest implements MessageSink {
  readonly idText: string;
  readonly method: string;
  readonly params: ObjectText | undefined;
  readonly text: string;
  protected readonly parts: RequestParts;
  /** Ends its HTTP request. */
  protected readonly abort = new Abort();
  protected isAnswered = false;
  protected isCancelled = false;
  readonly #id: RequestId;
  readonly #holding: Holding;
  /** Until when it waits for a gateway, by performance.now(). */
  #endMs: number;
  #endpoint: GatewayEndpoint | null = null;
  #response: HttpResponse | null = null;
  #drain: Deadline | null = null;
  #repetitions = 0;
  /** When its last notification was passed on. */
  #notifiedMs = Number.NEGATIVE_INFINITY;

  /** @param holding the share of its text in the budget of bodies */
  constructor(message: RequestMessage, text: string, holding: Holding, parts: RequestParts) {
    this.idText = message.idText;
    this.#id = JSON.parse(message.idText) as RequestId;
    this.method = message.method;
    this.params = message.params;
    this.text = text;
    this.parts = parts;
    this.#holding = holding;
    this.#endMs = performance.now() + parts.times.reachMs;
  }

  /** The code of errors of the bridge itself. */
  protected abstract readonly errorCode: number;

  /** The headers of the next attempt. */
  protected abstract headers(): BridgeHeaders | Promise<BridgeHeaders>;

  /** The client cancels it. @param text that notification */
  abstract cancel(text: string): void;

  /** Resolves when it is over; never rejects. */
  async run(): Promise<void> {
    try {
      while (!(await this.#attempt())) {}
    } catch (error) {
      if (!this.isAnswered && !this.isCancelled) this.#fail(error);
    } finally {
      this.#drain?.clear();
      this.#holding.release();
      for (const text of this.parts.client.questions.end(this)) this.parts.client.send(text);
    }
  }

  /** Ends it, because the bridge ends. @param reason what to tell the client; null: nothing, because it is gone */
  end(reason: Error | null): void {
    this.isCancelled = reason === null;
    this.abort.abort(reason ?? undefined);
  }

  heard(): void {
    this.#endpoint?.heard();
  }

  take(content: GatewayMessage): Promise<void> | undefined {
    const { message } = content;
    const { client } = this.parts;
    if (message.kind === 'notification') this.#notifiedMs = performance.now();
    if (message.kind !== 'response') return client.pass(content, this);
    // An error that names no request is about this one.
    if (message.id !== null && String(message.id) !== String(this.#id)) return undefined;
    if (this.isAnswered) return undefined;
    return this.answer(
      message,
      message.id === null ? errorText(this.idText, String(message.payload)) : content.text,
    );
  }

  /** Passes its answer on. */
  protected answer(message: ResponseMessage, text: string): Promise<void> | undefined {
    this.isAnswered = true;
    const { client } = this.parts;
    client.questions.forget(this);
    this.#drain = deadlines.add(afterAnswerMs, () => this.#response?.cancel());
    const pauseMs = this.#notifiedMs + beforeAnswerMs - performance.now();
    if (pauseMs <= 0) return client.pass({ message, text }, this);
    return sleep(pauseMs, this.abort).then(() => client.pass({ message, text }, this));
  }

  /** Reads a response. Resolves to what broke it, or null. */
  protected async read(response: HttpResponse): Promise<HttpFailure | null> {
    this.#response = response;
    try {
      await readMessages(response, this);
      return null;
    } catch (error) {
      if (this.abort.aborted) throw this.abort.reason;
      response.cancel();
      return toHttpFailure(error);
    }
  }

  /** Receives a response. Resolves to whether the request is over; otherwise it is sent again. */
  protected async receive(_endpoint: GatewayEndpoint, response: HttpResponse): Promise<boolean> {
    const broken = await this.read(response);
    return this.isAnswered || this.isCancelled || this.unanswered(broken);
  }

  /** The stream has ended without an answer. Resolves to whether the request is over. @param broken why, if that is known */
  protected unanswered(broken: HttpFailure | null): Promise<boolean> {
    return this.#repeat(
      broken ?? new HttpFailure('protocol', 'the gateway ended the stream of its response'),
    );
  }

  /** Has it sent again, after a pause. The wait for a gateway begins anew. */
  protected async again(): Promise<false> {
    await sleep(repetitionPauseMs, this.abort);
    this.#endMs = performance.now() + this.parts.times.reachMs;
    return false;
  }

  /** Receives a refusal. Resolves to whether the request is over; otherwise it is sent again. */
  protected async refused({ status }: HttpResponse, body: string): Promise<boolean> {
    if (status === 503 && performance.now() < this.#endMs) {
      await sleep(busyPauseMs, this.abort);
      return false;
    }
    const [content] = messagesIn(body);
    if (content?.message.kind === 'response' && content.message.error !== undefined) {
      await this.answer(content.message, errorText(this.idText, String(content.message.payload)));
      return true;
    }
    throw refusal(status, body);
  }

  async #attempt(): Promise<boolean> {
    const { link } = this.parts;
    const endpoint = await link.endpoint(this.abort, this.#endMs);
    const headers = await this.headers();
    this.#endpoint = endpoint;
    try {
      const { abort, text } = this;
      const response = await endpoint.fetch({ method: 'POST', body: text, headers, abort });
      link.works(endpoint);
      if (response.ok) return await this.receive(endpoint, response);
      return await this.refused(response, await response.beginning());
    } catch (error) {
      if (this.abort.aborted) throw this.abort.reason;
      if (!(error instanceof HttpFailure)) throw error;
      if (error.kind !== 'refused' && error.kind !== 'exhausted') return await this.#repeat(error);
      link.lost(endpoint, error, true);
      return false;
    } finally {
      endpoint.done(this.abort);
    }
  }

  /** Sends it again if that is safe, else fails. */
  async #repeat(error: HttpFailure): Promise<boolean> {
    if (error.kind === 'broken' && repeatable.has(this.method) && this.#repetitions++ < maxRepetitions)
      return this.again();
    if (error.kind !== 'broken') throw error;
    throw new GatewayError(
      'unavailable',
      `the connection to the mcpstead gateway broke before the answer came: ${error.message}; whether the request was executed is not known`,
    );
  }

  #fail(error: unknown): void {
    const { client, log } = this.parts;
    const message = describe(error);
    log(`${this.method} failed: ${message}`);
    client.refuse(this.idText, this.errorCode, message, 'gateway_unavailable');
  }
}

function describe(error: unknown): string {
  const prefix = error instanceof GatewayError ? '' : 'the mcpstead gateway cannot be used: ';
  return prefix + messageOf(error);
}

/** The error of a response that is no answer. */
export function refusal(status: number, body: string): GatewayError {
  if (status === 401 || status === 403) {
    const what = `the mcpstead gateway refused the bearer token (HTTP ${status})`;
    return new GatewayError(
      'unavailable',
      `${what}; set MCPSTEAD_BEARER_TOKEN for "mcpstead stdio" to that of the gateway`,
    );
  }
  const reason = reasonIn(body).slice(0, maxQuotedChars);
  return new GatewayError(
    'unavailable',
    `the mcpstead gateway answered HTTP ${status}${reason && `: ${reason}`}`,
  );
}

/** The reason in the body of a refusal: `{"error": "…"}`. */
function reasonIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? error : '';
  } catch {
    return '';
  }
}
