import type { EventStream } from '../../downstream/event-stream.ts';
import { streamHeaders } from '../../downstream/event-stream.ts';
import { queryOf } from '../query.ts';
import { AdminStreams } from './admin-streams.ts';
import { Bridges } from './bridges.ts';
import { followLog, type LogSelection, lastLines } from './log-stream.ts';
import { type Overview, overviewOf } from './overview.ts';
import { OverviewFeed } from './overview-feed.ts';
import type { AdminParts } from './parts.ts';
import { type ToolRow, ToolSizes } from './tool-sizes.ts';

/** As many lines as are kept. */
const allLines = Number.MAX_SAFE_INTEGER;
/** What people see must be of now. */
const fresh = { 'cache-control': 'no-store' };

/** The answers of the endpoints below `/-/`, which people and commands use. */
export class Admin {
  readonly #parts: AdminParts;
  readonly #sizes = new ToolSizes();
  readonly bridges = new Bridges();
  readonly #streams = new AdminStreams();
  readonly #feed = new OverviewFeed(this.#streams, () => this.overview());

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  /** What people want to know of the gateway at a glance. */
  overview(): Promise<Overview> {
    return overviewOf(this.#parts, this.#sizes);
  }

  /** `GET /-/servers`. */
  async servers(): Promise<Response> {
    return Response.json(await this.overview(), { headers: fresh });
  }

  /** The tools that clients of the whole gateway see, in the order of their list. */
  toolRows(): Promise<readonly ToolRow[]> {
    return this.#sizes.rows(this.#parts.tools());
  }

  /** `GET /-/tools?server=NAME`. */
  async tools(request: Request): Promise<Response> {
    const server = queryOf(request).get('server');
    if (server !== null && !this.#isConfigured(server)) return unknownServer(server);
    const rows = await this.toolRows();
    const tools = server === null ? rows : rows.filter((row) => row.server === server);
    return Response.json({ tools }, { headers: fresh });
  }

  /** `GET /-/events`. */
  async events(): Promise<Response> {
    return this.#streaming(await this.#feed.open());
  }

  /** `GET /-/bridges`: a stream without events, which is open as long as a bridge uses the gateway. */
  bridge(): Response {
    return this.#streaming(this.bridges.open());
  }

  /** `GET /-/logs?server=NAME&lines=N&follow=1`. */
  logs(request: Request): Response {
    const query = queryOf(request);
    const server = query.get('server');
    const lines = query.get('lines');
    if (server !== null && !this.#isConfigured(server)) return unknownServer(server);
    if (lines !== null && !/^\d{1,9}$/.test(lines))
      return adminError(400, 'lines expects a whole number, such as 100');
    const selection: LogSelection = { server, count: lines === null ? allLines : Number(lines) };
    const { logs } = this.#parts;
    if (['1', 'true'].includes(query.get('follow') ?? ''))
      return this.#streaming(followLog(logs, selection, this.#streams));
    return new Response(lastLines(logs, selection), { headers: streamHeaders });
  }

  /** `POST /-/servers/NAME/reconnect`. */
  reconnect(name: string): Response {
    const upstream = this.#parts.upstreams().find((candidate) => candidate.name === name);
    if (upstream !== undefined) {
      upstream.reconnect();
      return Response.json({ server: name, state: upstream.status().state });
    }
    if (!this.#isConfigured(name)) return unknownServer(name);
    return adminError(409, `${name} is disabled; enable it first: mcpstead enable ${name}`);
  }

  /** Ends all streams: whoever may still read opens new ones. */
  disconnect(): void {
    this.#streams.disconnect();
  }

  /** Ends all streams, and opens no more. */
  close(): void {
    this.bridges.close();
    this.#streams.close();
  }

  #isConfigured(name: string): boolean {
    const { config, disabled } = this.#parts.loaded();
    return [...config.servers, ...disabled].some((server) => server.name === name);
  }

  #streaming(stream: EventStream | null): Response {
    if (stream !== null) return new Response(stream.readable, { headers: streamHeaders });
    return adminError(503, `${this.#streams.max} streams are open, which is the limit, or the gateway stops`);
  }
}

/** Longer names are cut. */
const maxShownChars = 100;

function unknownServer(name: string): Response {
  const shown = JSON.stringify(name.slice(0, maxShownChars));
  return adminError(404, `no server is named ${shown}; GET /-/servers lists them`);
}

function adminError(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
