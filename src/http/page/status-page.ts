import type { Overview } from '../admin/overview.ts';
import type { ToolRow } from '../admin/tool-sizes.ts';
import { callTable, clientTable, copied, profileTable } from './activity.ts';
import { type Html, html } from './html.ts';
import { pageFrame } from './page-frame.ts';
import { counted, duration, rough } from './quantities.ts';
import type { Reader } from './reader.ts';
import { serverTable } from './server-table.ts';

/** What the page shows. */
interface StatusView {
  readonly overview: Overview;
  /** When it was made: ISO 8601, in UTC. */
  readonly now: string;
  /** The tools of the servers whose rows are open. */
  readonly tools: ReadonlyMap<string, readonly ToolRow[]>;
  readonly reader: Reader;
  /** How each client is connected. */
  readonly connections: Html;
}

/** The status page, complete without a script. */
export async function statusPage({ overview, now, tools, reader, connections }: StatusView): Promise<Html> {
  const { servers, clients, calls, profiles } = overview;
  const needsToken = overview.auth === 'bearer';
  return pageFrame({
    title: `${summaryOf(servers)} · mcpstead`,
    toRoot: '',
    isLive: true,
    hasForm: needsToken,
    aside: html`<p class="freshness" id="freshness"><span id="live">As of <time datetime="${now}">${now.slice(11, 19)} UTC</time></span> <a href="">Reload</a></p>`,
    body: html`<main>
<h1 class="hidden">Status of the gateway</h1>
<p class="hidden" role="status" aria-live="polite" id="news"></p>
${factsOf(overview, reader)}
<section aria-labelledby="servers">
<h2 id="servers">Servers <span class="muted">${summaryOf(servers)}</span></h2>
${servers.length === 0 ? noServers : await serverTable(servers, tools)}
</section>
<section aria-labelledby="clients">
<h2 id="clients">Clients</h2>
${clientTable(clients)}
</section>
<section aria-labelledby="calls">
<h2 id="calls">Last calls <span class="muted">without their arguments</span></h2>
${callTable(calls)}
</section>
<section aria-labelledby="connect">
<h2 id="connect">Connect a client</h2>
${connections}
</section>
<section aria-labelledby="profiles">
<h2 id="profiles">Profiles</h2>
${profileTable(profiles, reader.url)}
</section>
</main>
${needsToken ? signOut : null}`,
  });
}

const signOut = html`<footer><form method="post" action="-/logout"><button type="submit">Sign out</button></form></footer>`;

const noServers = html`<div class="empty"><p>No server is configured yet.</p>
<ul>
<li><code>mcpstead import</code> adds the servers of Claude Desktop, Claude Code, Cursor, VS Code and others.</li>
<li><code>mcpstead add NAME URL</code> or <code>mcpstead add NAME -- COMMAND</code> adds one.</li>
</ul></div>`;

/** The endpoint, and the sums. */
function factsOf({ servers, config, auth, uptime_seconds }: Overview, { url }: Reader): Html {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const facts = [
    ['Tools', rough(sum(servers.map(({ tools_count }) => tools_count)))],
    ['Tokens', rough(sum(servers.map(({ tokens }) => tokens)))],
    ['Calls a minute', rough(sum(servers.map(({ calls_per_minute }) => calls_per_minute)))],
    ['Up', duration(uptime_seconds)],
  ] as const;
  return html`<section class="facts" aria-label="Gateway">
<div class="endpoint"><h2>Endpoint</h2>
<p>${copied(url)}</p>
<p class="muted">${auth === 'bearer' ? 'Clients need the bearer token.' : 'Clients need no token.'} ${
    config === null ? null : html`Configuration: <code>${config}</code>`
  }</p></div>
<dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</section>`;
}

function summaryOf(servers: Overview['servers']): string {
  const enabled = servers.filter((server) => server.enabled);
  const ready = enabled.filter(({ state }) => state === 'ready').length;
  if (enabled.length === 0)
    return servers.length === 0 ? 'none' : `${counted(servers.length, 'server')}, all disabled`;
  return `${ready} of ${enabled.length} ready`;
}
