import type { ConfigDiff } from '../config/diff.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Logger } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import type { UpstreamConfig } from './detect.ts';
import { SessionKeeper } from './session-keeper.ts';
import type { UpstreamTool } from './tools/tool-list.ts';

/** What the pool tells its owner, and what it asks of it. */
interface UpstreamsEvents {
  /** The id by which this gateway recognizes itself. */
  readonly instance: string;
  /** Words of an upstream in a form that may be shown: short, on one line, without secrets. */
  quote(text: string): string;
  /** How many tools of the upstream are listed. */
  toolsCount(server: string): number;
  /** The tools that an upstream offers now; null when it is given up. */
  onTools(server: string, tools: readonly UpstreamTool[] | null): void;
}

/** The connections to all configured upstreams, in the order of the file. */
export class Upstreams {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #events: UpstreamsEvents;
  #connections = new Map<string, SessionKeeper>();
  /** Those that went with a reload and have not taken leave of their upstream yet. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(logger: Logger, metrics: Metrics, events: UpstreamsEvents) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#events = events;
  }

  get(server: string): SessionKeeper | undefined {
    return this.#connections.get(server);
  }

  all(): SessionKeeper[] {
    return [...this.#connections.values()];
  }

  /**
   * Brings the connections in line with a configuration: what the diff calls restarted is opened anew, what it
   * calls updated goes on with its new settings, what was given up is tried again, and the calls in flight on what
   * goes may finish.
   */
  apply(loaded: LoadedConfig, diff: Pick<ConfigDiff, 'added' | 'restarted' | 'updated'>): void {
    const fresh = new Set([...diff.added, ...diff.restarted]);
    const updated = new Set(diff.updated);
    const before = this.#connections;
    const after = new Map<string, SessionKeeper>();
    const started: SessionKeeper[] = [];
    for (const server of loaded.config.servers) {
      const config: UpstreamConfig = { server, token: loaded.upstreamTokens.get(server.name) ?? null };
      const present = before.get(server.name);
      if (present && !fresh.has(server.name)) {
        if (updated.has(server.name)) present.update(config);
        present.revive();
        after.set(server.name, present);
      } else {
        const connection = this.#connect(config, present);
        after.set(server.name, connection);
        started.push(connection);
      }
    }
    for (const [name, connection] of before) {
      if (!after.has(name)) this.#leave(connection);
    }
    this.#connections = after;
    void this.#start(started);
  }

  /** Closes all connections, telling the upstreams; bounded by the connections' own deadlines. */
  async close(): Promise<void> {
    await Promise.all([...this.#leaving, ...this.all().map((connection) => connection.close())]);
  }

  /** One by one, for the gateway has clients to answer meanwhile. */
  async #start(connections: readonly SessionKeeper[]): Promise<void> {
    for (const connection of connections) {
      await nextTurn();
      connection.start();
    }
  }

  #leave(connection: SessionKeeper): void {
    connection.metrics.remove();
    const leaving = connection.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  #connect(config: UpstreamConfig, replaced: SessionKeeper | undefined): SessionKeeper {
    const { name } = config.server;
    if (replaced) this.#leave(replaced);
    return new SessionKeeper(config, this.#logger, (state) => this.#metrics.upstream(name, state), {
      instance: this.#events.instance,
      quote: (text) => this.#events.quote(text),
      toolsCount: () => this.#events.toolsCount(name),
      onTools: (tools) => this.#events.onTools(name, tools),
    });
  }
}
