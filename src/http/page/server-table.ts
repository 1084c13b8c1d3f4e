import { nextTurn } from '../../runtime/event-loop.ts';
import type { Overview } from '../admin/overview.ts';
import type { ToolRow } from '../admin/tool-sizes.ts';
import { type Html, html, type Part } from './html.ts';
import { count, counted, milliseconds, rough } from './quantities.ts';

type Server = Overview['servers'][number];

/** More tools of one server are not shown. */
const maxTools = 500;

/** How states look besides their words: by shape first, then by colour. */
const shapes: Readonly<Record<string, Html>> = {
  ready: html`<circle cx="6" cy="6" r="5"/>`,
  connecting: html`<circle cx="6" cy="6" r="4" fill="none" stroke-dasharray="4 2.3"/>`,
  starting: html`<circle cx="6" cy="6" r="4" fill="none" stroke-dasharray="4 2.3"/>`,
  backoff: html`<path d="M6 1 11.5 11H.5z"/>`,
  given_up: html`<path d="m2 2 8 8m0-8-8 8" fill="none"/>`,
  disabled: html`<path d="M1 6h10" fill="none"/>`,
};
const otherShape = html`<path d="M6 .5 11.5 6 6 11.5.5 6z"/>`;

/** A state as a word with its shape. */
function stateMark(state: string): Html {
  const shape = Object.hasOwn(shapes, state) ? (shapes[state] as Html) : otherShape;
  return html`<span class="state" data-look="${state}"><svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">${shape}</svg> ${state.replaceAll('_', ' ')}</span>`;
}

const columns = [
  ['State', 'short'],
  ['Era', 'short'],
  ['Transport', 'short'],
  ['Tools', 'number'],
  ['Tokens', 'number'],
  ['Calls/min', 'number'],
  ['Errors', 'number'],
  ['p95', 'number'],
  ['Next try', 'number'],
  ['Last error', 'wide'],
] as const;

/** The servers that are rendered before other work gets a turn. */
const maxPerTurn = 50;

/** All servers. @param tools the tools of those whose rows are open */
export async function serverTable(
  servers: readonly Server[],
  tools: ReadonlyMap<string, readonly ToolRow[]>,
): Promise<Html> {
  const rows: Html[] = [];
  for (const server of servers) {
    rows.push(serverRows(server, tools.get(server.name)));
    if (rows.length % maxPerTurn === 0) await nextTurn();
  }
  return html`<table class="servers">
<thead><tr><th scope="col">Server</th>${columns.map(([title, kind]) => html`<th scope="col" class="${kind}">${title}</th>`)}</tr></thead>
${rows}
</table>`;
}

function serverRows(server: Server, tools: readonly ToolRow[] | undefined): Html {
  const { name, url, state, enabled, era, protocol, protocol_version, next_retry_seconds } = server;
  const cells: readonly Part[] = [
    stateMark(state),
    era === null ? none : html`${era}<span class="target">${protocol_version}</span>`,
    protocol,
    enabled ? count(server.tools_count) : none,
    enabled ? rough(server.tokens) : none,
    enabled ? rate(server.calls_per_minute) : none,
    enabled
      ? html`<span class="${server.errors_total > 0 ? 'some' : ''}">${count(server.errors_total)}</span>`
      : none,
    server.p95_ms === null ? none : milliseconds(server.p95_ms),
    next_retry_seconds === null
      ? none
      : html`<span data-countdown="${next_retry_seconds}">${Math.ceil(next_retry_seconds)} s</span>`,
    server.last_error === null ? none : html`<span class="error-text">${server.last_error}</span>`,
  ];
  return html`<tbody data-key="${name}" data-state="${state}" id="server-${name}">
<tr>
<th scope="row" class="server"><span class="name">${name}</span>${server.required ? html` <span class="tag">required</span>` : null}<span class="target">${url}</span></th>
${cells.map((cell, index) => {
  const [title, kind] = columns[index]!;
  return html`<td data-label="${title}" class="${kind}">${cell}</td>\n`;
})}</tr>
<tr class="more"><td colspan="${columns.length + 1}">${toolsOf(server, tools)}</td></tr>
</tbody>
`;
}

const none = html`<span class="none">–</span>`;

function rate(perMinute: number): string {
  return perMinute < 10 ? String(Math.round(perMinute * 10) / 10) : rough(perMinute);
}

/** The tools on expand. Without a script, a link opens them. */
function toolsOf({ name, tools_count }: Server, tools: readonly ToolRow[] | undefined): Part {
  if (tools_count === 0 && tools === undefined) return null;
  return html`<details data-tools="${name}"${tools === undefined ? null : html` open`}>
<summary>${counted(tools_count, 'tool')}<span class="hidden"> of ${name}</span></summary>
${
  tools === undefined
    ? html`<p><a href="?tools=${encodeURIComponent(name)}#server-${name}">Show the tools of ${name}</a></p>`
    : toolList(tools)
}
</details>`;
}

function toolList(tools: readonly ToolRow[]): Html {
  if (tools.length === 0) return html`<p class="muted">No tool of this server is listed.</p>`;
  const rest = tools.length - maxTools;
  return html`<table class="tools">
<thead><tr><th scope="col">Tool</th><th scope="col">Description</th><th scope="col" class="number">Tokens</th></tr></thead>
<tbody>
${tools
  .slice(0, maxTools)
  .map(
    ({ name, title, description, tokens }) =>
      html`<tr data-key="${name}"><th scope="row"><code>${name}</code>${
        title === null ? null : html`<span class="target">${title}</span>`
      }</th><td>${description === '' ? none : description}</td><td class="number">${count(tokens)}</td></tr>\n`,
  )}</tbody>
</table>
${rest > 0 ? html`<p class="muted">${counted(rest, 'more tool')}: <code>mcpstead tools</code> lists all of them.</p>` : null}`;
}
