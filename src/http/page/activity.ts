import type { Overview } from '../admin/overview.ts';
import { type Html, html, type Part } from './html.ts';
import { count, milliseconds } from './quantities.ts';

const none = html`<span class="none">–</span>`;

/** Who is connected. */
export function clientTable(clients: Overview['clients']): Html {
  if (clients.length === 0)
    return html`<p class="empty">No client is connected. <code>mcpstead connect CLIENT</code> adds the gateway to one; <a href="#connect">Connect a client</a> shows how to do it by hand.</p>`;
  return html`<table class="small">
<thead><tr><th scope="col">Client</th><th scope="col">Version</th><th scope="col">Era</th><th scope="col" class="number">Sessions</th></tr></thead>
<tbody>
${clients.map(
  ({ name, version, era, sessions }) =>
    html`<tr><th scope="row">${name}</th><td>${version ?? none}</td><td class="short">${era}</td><td class="number">${count(sessions)}</td></tr>\n`,
)}</tbody>
</table>`;
}

const outcomes: Readonly<Record<Overview['calls'][number]['outcome'], string>> = {
  ok: 'ok',
  tool_error: 'tool error',
  error: 'error',
};

/** The last calls, without what they were about. */
export function callTable(calls: Overview['calls']): Html {
  if (calls.length === 0)
    return html`<p class="empty">No tool was called yet. <code>mcpstead call SERVER.TOOL key=value</code> tries one.</p>`;
  return html`<table class="calls">
<thead><tr><th scope="col">Time <span class="utc">(UTC)</span></th><th scope="col">Tool</th><th scope="col">Client</th><th scope="col" class="number">Took</th><th scope="col">Outcome</th></tr></thead>
<tbody>
${calls.map(
  ({ at, server, tool, client, ms, outcome, reason }) =>
    html`<tr data-look="${outcome}"><td class="short"><time datetime="${at}">${at.slice(11, 19)}</time></td><th scope="row"><code><span class="muted">${server}</span> ${tool}</code></th><td>${
      client ?? none
    }</td><td class="number">${milliseconds(ms)}</td><td>${outcomes[outcome]}${
      reason === null ? null : html`: <code>${reason}</code>`
    }</td></tr>\n`,
)}</tbody>
</table>`;
}

/** The profiles, with where they are. */
export function profileTable(profiles: Overview['profiles'], url: string): Html {
  if (profiles.length === 0)
    return html`<p class="empty">No profile is configured. A profile shows clients some of the servers, at a path of its own: see <code>profiles</code> in the configuration. Each server alone is at <code>/mcp/SERVER</code>.</p>`;
  return html`<table class="small profiles">
<thead><tr><th scope="col">Profile</th><th scope="col">Servers</th><th scope="col">Endpoint</th></tr></thead>
<tbody>
${profiles.map(
  ({ name, servers }) =>
    html`<tr><th scope="row">${name}</th><td>${servers.join(', ')}</td><td>${copied(`${url}/${encodeURIComponent(name)}`)}</td></tr>\n`,
)}</tbody>
</table>`;
}

/** A text to be copied. The button appears with the script. */
export function copied(text: string, label = 'Copy'): Part {
  return html`<span class="copied"><code>${text}</code><button type="button" class="copy" hidden aria-label="${label} ${text}">Copy</button></span>`;
}
