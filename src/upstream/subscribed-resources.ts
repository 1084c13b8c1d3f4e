import { Abort, type Signal } from '../runtime/abort.ts';
import { cancelled, toFailure, type UpstreamFailure } from './failure.ts';
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

/** A subscription that is wanted. */
interface Wanted {
  /** The session that was asked for it last. */
  session: UpstreamSession | null;
}

/** The resources to which the gateway subscribes, in whatever session it has. */
export class SubscribedResources {
  readonly #parts: SubscribedResourcesParts;
  /** By URI. The owner of the upstream bounds their number. */
  readonly #wanted = new Map<string, Wanted>();

  constructor(parts: SubscribedResourcesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves to what ends the subscription. Rejects with an `UpstreamFailure` if the upstream refuses, or the signal is aborted; then
   * there is none.
   */
  async subscribe(uri: string, signal: Signal): Promise<() => void> {
    const wanted: Wanted = { session: null };
    this.#wanted.set(uri, wanted);
    try {
      const session = await this.#parts.usableSession(signal);
      try {
        await this.#subscribe(uri, wanted, session, signal);
      } catch (error) {
        // A lost session is not the fault of the subscription, which is taken up in the next one.
        if (signal.aborted || !(await this.#parts.judge(session, toFailure(error)))) throw error;
        await this.#subscribe(uri, wanted, await this.#parts.usableSession(signal), signal);
      }
    } catch (error) {
      this.#failed(uri, wanted, toFailure(error));
      throw error;
    }
    return () => this.#end(uri, wanted);
  }

  /** Forgets a subscription that failed, unless it was ended, and wanted anew, meanwhile. */
  #failed(uri: string, wanted: Wanted, { answer }: UpstreamFailure): void {
    if (this.#wanted.get(uri) !== wanted) return;
    this.#wanted.delete(uri);
    // Without an answer, it may have been accepted: many servers go on with a request that was given up.
    if (answer === undefined) wanted.session?.unsubscribe(uri);
  }

  /** Ends a subscription, unless another one to the resource has taken its place. */
  #end(uri: string, wanted: Wanted): void {
    if (this.#wanted.get(uri) !== wanted) return;
    this.#wanted.delete(uri);
    this.#parts.session()?.unsubscribe(uri);
  }

  /** Subscribes in a session that replaces another one. Does not reject. */
  async takeUp(session: UpstreamSession): Promise<void> {
    const uris: string[] = [];
    // Those without a session are about to be asked for.
    for (const [uri, { session: asked }] of this.#wanted)
      if (asked !== null && asked !== session) uris.push(uri);
    const takeNext = async () => {
      for (let uri = uris.pop(); uri !== undefined; uri = uris.pop()) await this.#takeUp(uri, session);
    };
    await Promise.all(Array.from({ length: maxAtOnce }, takeNext));
  }

  async #takeUp(uri: string, session: UpstreamSession): Promise<void> {
    const wanted = this.#wanted.get(uri);
    if (session !== this.#parts.session() || wanted === undefined) return;
    try {
      await this.#subscribe(uri, wanted, session, new Abort());
    } catch {
      // The resource may be gone. Its clients find that out when they read it; the next session is asked again.
    }
    if (session === this.#parts.session() && this.#wanted.has(uri)) this.#parts.onUpdated(uri);
  }

  async #subscribe(uri: string, wanted: Wanted, session: UpstreamSession, signal: Signal): Promise<void> {
    // It may have been ended meanwhile, and another one have taken its place.
    if (this.#wanted.get(uri) !== wanted) throw cancelled();
    wanted.session = session;
    await session.subscribe(uri, this.#parts.timeoutMs(), signal);
    if (!this.#wanted.has(uri)) session.unsubscribe(uri);
  }
}
