import type { ConfigDiff } from '../config/diff.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Logger } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { UpstreamState } from '../observability/upstream-metrics.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import type { UpstreamConfig } from './detect.ts';
import { Upstream, type UpstreamEvents } from './upstream.ts';

/** A process whose server was removed has ended by then, even if calls run in it. */
const removalMs = 4_500;

/** All configured upstreams, in the order of the file. */
export class Upstreams {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #events: UpstreamEvents;
  #upstreams = new Map<string, Upstream>();
  /** The closing of upstreams that a reload has removed or replaced. */
  readonly #closing = new Map<Upstream, Promise<void>>();

  constructor(logger: Logger, metrics: Metrics, events: UpstreamEvents) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#events = events;
  }

  get(name: string): Upstream | undefined {
    return this.#upstreams.get(name);
  }

  all(): Upstream[] {
    return [...this.#upstreams.values()];
  }

  /**
   * Applies a configuration: adds, replaces, updates and removes upstreams as the diff says, and revives the others.
   * Running calls of upstreams that are replaced or removed may end.
   */
  apply(loaded: LoadedConfig, diff: Pick<ConfigDiff, 'added' | 'restarted' | 'updated'>): void {
    const fresh = new Set([...diff.added, ...diff.restarted]);
    const updated = new Set(diff.updated);
    const before = this.#upstreams;
    const after = new Map<string, Upstream>();
    const added: Upstream[] = [];
    for (const server of loaded.config.servers) {
      const config: UpstreamConfig = { server, token: loaded.upstreamTokens.get(server.name) ?? null };
      const present = before.get(server.name);
      if (present && !fresh.has(server.name)) {
        if (updated.has(server.name)) present.update(config);
        present.revive();
        after.set(server.name, present);
      } else {
        const upstream = this.#add(config, present);
        after.set(server.name, upstream);
        added.push(upstream);
      }
    }
    for (const [name, upstream] of before) if (!after.has(name)) this.#remove(upstream);
    this.#upstreams = after;
    void this.#start(added);
  }

  /** A client's session has ended, and so do those that upstreams have for it alone. */
  release(sessionId: string): void {
    for (const upstream of this.#upstreams.values()) upstream.release(sessionId);
  }

  /** Closes all upstreams and terminates their sessions, within the deadlines of each; processes end `withinMs`. */
  async close(withinMs: number): Promise<void> {
    for (const upstream of this.#closing.keys()) void upstream.close(withinMs);
    await Promise.all([...this.#closing.values(), ...this.all().map((upstream) => upstream.close(withinMs))]);
  }

  /** Starts one per turn, so that clients are answered meanwhile. */
  async #start(upstreams: readonly Upstream[]): Promise<void> {
    for (const upstream of upstreams) {
      await nextTurn();
      upstream.start();
    }
  }

  #remove(upstream: Upstream): void {
    upstream.metrics.remove();
    const closing = upstream.close(removalMs).finally(() => this.#closing.delete(upstream));
    this.#closing.set(upstream, closing);
  }

  #add(config: UpstreamConfig, predecessor: Upstream | undefined): Upstream {
    const { name } = config.server;
    if (predecessor) this.#remove(predecessor);
    const metrics = (state: UpstreamState) => this.#metrics.upstream(name, state);
    return new Upstream(config, this.#logger, metrics, this.#events, predecessor);
  }
}
