import { Abort, type Signal } from '../runtime/abort.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';
import type { UpstreamSession } from './session.ts';

/** How many subscriptions are taken up again at a time. */
const maxAtOnce = 16;

interface SubscribedResourcesParts {
  /** The session in use; null: none. */
  readonly session: () => UpstreamSession | null;
  usableSession(signal: Signal): Promise<UpstreamSession>;
  /** Resolves to whether the session is lost, in which something has failed. */
  judge(session: UpstreamSession, failure: UpstreamFailure): Promise<boolean>;
  readonly timeoutMs: () => number;
  /** A resource counts as changed: what happened to it while nobody listened is unknown. */
  onUpdated(uri: string): void;
}

/** The resources to which the gateway subscribes, in whatever session it has. */
export class SubscribedResources {
  readonly #parts: SubscribedResourcesParts;
  /** By URI, the session that was asked for it last. The owner of the upstream bounds their number. */
  readonly #sessions = new Map<string, UpstreamSession | null>();

  constructor(parts: SubscribedResourcesParts) {
    this.#parts = parts;
  }

  /** Rejects with an `UpstreamFailure` if the upstream refuses; then there is no subscription. */
  async subscribe(uri: string, signal: Signal): Promise<void> {
    this.#sessions.set(uri, null);
    try {
      const session = await this.#parts.usableSession(signal);
      try {
        await this.#subscribe(uri, session, signal);
      } catch (error) {
        // A lost session is not the fault of the subscription, which is taken up in the next one.
        if (signal.aborted || !(await this.#parts.judge(session, toFailure(error)))) throw error;
        await this.#subscribe(uri, await this.#parts.usableSession(signal), signal);
      }
    } catch (error) {
      this.#sessions.delete(uri);
      throw error;
    }
  }

  unsubscribe(uri: string): void {
    const isKnown = this.#sessions.delete(uri);
    if (isKnown) this.#parts.session()?.unsubscribe(uri);
  }

  /** Subscribes in a session that replaces another one. Does not reject. */
  async takeUp(session: UpstreamSession): Promise<void> {
    const uris: string[] = [];
    // Those without a session are about to be asked for.
    for (const [uri, asked] of this.#sessions) if (asked !== null && asked !== session) uris.push(uri);
    const takeNext = async () => {
      for (let uri = uris.pop(); uri !== undefined; uri = uris.pop()) await this.#takeUp(uri, session);
    };
    await Promise.all(Array.from({ length: maxAtOnce }, takeNext));
  }

  async #takeUp(uri: string, session: UpstreamSession): Promise<void> {
    if (session !== this.#parts.session() || !this.#sessions.has(uri)) return;
    try {
      await this.#subscribe(uri, session, new Abort());
    } catch {
      // The resource may be gone. Its clients find that out when they read it; the next session is asked again.
    }
    if (session === this.#parts.session() && this.#sessions.has(uri)) this.#parts.onUpdated(uri);
  }

  async #subscribe(uri: string, session: UpstreamSession, signal: Signal): Promise<void> {
    // It may have been ended meanwhile.
    if (!this.#sessions.has(uri)) return;
    this.#sessions.set(uri, session);
    await session.subscribe(uri, this.#parts.timeoutMs(), signal);
    if (!this.#sessions.has(uri)) session.unsubscribe(uri);
  }
}
