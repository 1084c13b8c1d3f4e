import { Abort, type Signal } from '../../runtime/abort.ts';
import { type Deadline, deadlines } from '../../runtime/deadlines.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { cancelled, errorAnswered, UpstreamFailure } from '../failure.ts';
import type { OwnRequests } from '../requests/own-requests.ts';

/** How long the server may take to end a subscription, or to make one that nobody waits for any more. */
const defaultUnwatchedMs = 10_000;

/** A resource about which a request runs, or is about to. */
class BusyResource {
  /** Whether the last word was to subscribe. */
  isWanted: boolean;
  /** Whether the server may know a subscription. */
  isKnown: boolean;
  /** The subscriptions that wait for an answer. */
  readonly waiters = new Set<PromiseWithResolvers<void>>();
  isRunning = false;
  /** Ends the request that runs. */
  #request: Abort | null = null;
  #deadline: Deadline | null = null;

  constructor(isWanted: boolean) {
    this.isWanted = isWanted;
    this.isKnown = !isWanted;
  }

  /** The signal of the next request. */
  begin(): Signal {
    this.#request = new Abort();
    return this.#request;
  }

  end(): void {
    this.#request = null;
    this.#deadline?.clear();
    this.#deadline = null;
  }

  /** Lets the request that runs, if nobody waits for it, go on for a time only. */
  abandon(forMs: number): void {
    const request = this.#request;
    if (request === null || this.waiters.size > 0) return;
    if (forMs > 0) this.#deadline ??= deadlines.add(forMs, () => request.abort(cancelled()));
    else request.abort(cancelled());
  }
}

/**
 * The requests about subscriptions in a session: one at a time for each resource. A server that works on several at once may
 * finish them in another order, and end the later subscription with the earlier one. A request that is given up goes on, because
 * only its answer tells that the server can end what it has begun. MCP 2025-11-25, Resources, Subscriptions.
 */
export class ResourceSubscriptions {
  readonly #own: Pick<OwnRequests, 'ask'>;
  #unwatchedMs: number;
  /** By URI. */
  readonly #busy = new Map<string, BusyResource>();

  constructor(own: Pick<OwnRequests, 'ask'>, unwatchedMs = defaultUnwatchedMs) {
    this.#own = own;
    this.#unwatchedMs = unwatchedMs;
  }

  /** Resolves when the server has accepted. Rejects with an {@link UpstreamFailure}. */
  async subscribe(uri: string, timeoutMs: number, signal: Signal): Promise<void> {
    if (signal.aborted) throw cancelled();
    const resource = this.#resource(uri, true);
    const waiter = Promise.withResolvers<void>();
    const late = () =>
      waiter.reject(new UpstreamFailure('timeout', `did not answer within ${timeoutMs / 1000} s`));
    const deadline = deadlines.add(timeoutMs, late);
    const stop = () => waiter.reject(cancelled());
    signal.addEventListener('abort', stop, { once: true });
    resource.waiters.add(waiter);
    this.#start(uri, resource);
    try {
      await waiter.promise;
    } finally {
      deadline.clear();
      signal.removeEventListener('abort', stop);
      resource.waiters.delete(waiter);
      resource.abandon(this.#unwatchedMs);
    }
  }

  /** Ends a subscription. Failures do not matter. */
  unsubscribe(uri: string): void {
    this.#start(uri, this.#resource(uri, false));
  }

  /** The session ends, and with it what the server has begun: nothing is waited for that nobody else waits for. */
  close(): void {
    this.#unwatchedMs = 0;
    for (const resource of this.#busy.values()) resource.abandon(0);
  }

  #resource(uri: string, isWanted: boolean): BusyResource {
    let resource = this.#busy.get(uri);
    if (resource === undefined) {
      resource = new BusyResource(isWanted);
      this.#busy.set(uri, resource);
    }
    resource.isWanted = isWanted;
    return resource;
  }

  #start(uri: string, resource: BusyResource): void {
    if (resource.isRunning) return;
    resource.isRunning = true;
    void this.#run(uri, resource);
  }

  /** Does not reject. */
  async #run(uri: string, resource: BusyResource): Promise<void> {
    for (;;)
      if (resource.waiters.size > 0) await this.#subscribe(uri, resource);
      else if (!resource.isWanted && resource.isKnown && this.#unwatchedMs > 0)
        await this.#unsubscribe(uri, resource);
      else break;
    this.#busy.delete(uri);
  }

  async #subscribe(uri: string, resource: BusyResource): Promise<void> {
    const waiting = [...resource.waiters];
    resource.isKnown = true;
    try {
      const params = JSON.stringify({ uri });
      const answer = await this.#own.ask(
        'resources/subscribe',
        params,
        Number.POSITIVE_INFINITY,
        resource.begin(),
      );
      // Several clients may wait for it, so that nobody frees it.
      const payload = textOf(answer.payload);
      freePayload(answer.payload);
      resource.isKnown = answer.error === undefined;
      if (answer.error) throw errorAnswered({ ...answer, payload }, answer.error);
      for (const waiter of resource.waiters) waiter.resolve();
      resource.waiters.clear();
    } catch (error) {
      for (const waiter of waiting) {
        waiter.reject(error);
        resource.waiters.delete(waiter);
      }
    } finally {
      resource.end();
    }
  }

  async #unsubscribe(uri: string, resource: BusyResource): Promise<void> {
    const params = JSON.stringify({ uri });
    const answer = this.#own.ask('resources/unsubscribe', params, this.#unwatchedMs, resource.begin());
    await answer.then(
      ({ payload }) => freePayload(payload),
      () => {},
    );
    resource.end();
    resource.isKnown = false;
  }
}
