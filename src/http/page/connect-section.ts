import { snippetOf } from '../../clients/connect/snippet.ts';
import { type GatewayTarget, gatewayEntry } from '../../clients/gateway-entry.ts';
import type { ClientRow } from '../../clients/row.ts';
import { clientRows } from '../../clients/table.ts';
import type { Place } from '../../config/places.ts';
import { copied } from './activity.ts';
import { type Html, html, type Part } from './html.ts';
import type { Reader } from './reader.ts';

/** Homes as the systems' own programs write them. The reader's are not known. */
const homes = {
  HOME: '~',
  USERPROFILE: '%USERPROFILE%',
  APPDATA: '%APPDATA%',
  LOCALAPPDATA: '%LOCALAPPDATA%',
};

/**
 * How each client is connected.
 * @param bridge the words that start `mcpstead stdio` on the gateway's machine; null: it cannot find this gateway
 */
export function connectSection(reader: Reader, needsToken: boolean, bridge: readonly string[] | null): Html {
  // Elsewhere, nothing is known but the URL.
  const [command = '', ...args] = (reader.isLocal && bridge) || ['mcpstead', 'stdio', '--url', reader.url];
  const target: GatewayTarget = { url: reader.url, needsToken, command, args, view: null };
  const place: Place = { env: homes, platform: reader.platform };
  return html`${
    reader.isLocal
      ? html`<p>${copied('mcpstead connect --all')}</p>
<p class="muted">adds the gateway to all clients on this machine; <code>mcpstead disconnect</code> takes it out again. By hand, put the entry into the file of the client:</p>`
      : html`<p class="muted">Put the entry into the file of the client:</p>`
  }
<div class="clients">
${clientRows.filter(({ connection }) => connection !== 'none').map((row) => clientEntry(row, target, place))}</div>
${
  needsToken
    ? html`<p class="muted">Clients need the bearer token. Set <code>MCPSTEAD_BEARER_TOKEN</code> where the client starts; <code>mcpstead stdio</code> takes it from there or from <code>mcpstead.env</code>.</p>`
    : null
}`;
}

function clientEntry(row: ClientRow, target: GatewayTarget, place: Place): Part {
  const { id, title, restart } = row;
  const [file] = row.userFiles(place);
  const snippet = snippetOf(row, { mcpstead: gatewayEntry(row, target) });
  return html`<details data-key="${id}"><summary>${title}</summary>
<p class="muted">${file === undefined ? null : html`<code>${file}</code>`}</p>
<div class="snippet"><pre tabindex="0"><code>${snippet}</code></pre><button type="button" class="copy" hidden aria-label="Copy the entry for ${title}">Copy</button></div>
<p class="muted">${restart}</p>
</details>
`;
}
