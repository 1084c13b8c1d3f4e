import type { Caller, Channel } from '../../protocol/caller.ts';
import { RecentValues } from '../../runtime/recent-values.ts';

/** Half of the most tasks. */
const maxTasks = 5_000;

/**
 * Which client has made a task of an upstream that all clients share: of the latest tasks. One that is forgotten can still be asked
 * for by its id.
 */
export class KnownTasks {
  readonly #makers = new RecentValues<Pick<Caller, 'sessionId' | 'channel'>>(maxTasks);

  /** @param id as clients know it */
  add(id: string, { sessionId, channel }: Caller): void {
    this.#makers.set(id, { sessionId, channel });
  }

  /** The channel of the client that made a task. */
  channelOf(id: string): Channel | null {
    return this.#makers.get(id)?.channel ?? null;
  }

  /** Whether a client has made a task in its session. */
  isMaker({ sessionId }: Caller, id: string): boolean {
    return sessionId !== null && this.#makers.get(id)?.sessionId === sessionId;
  }
}
