import { GatewayError } from '../../errors.ts';

/** The part of the gateway that a bridge shows: a profile, a server, or all of it. */
interface ViewFlags {
  readonly profile: string | undefined;
  readonly server: string | undefined;
}

/** The name of the view; null: the whole gateway. Throws `usage` if both are given. */
export function viewIn({ profile, server }: ViewFlags): string | null {
  if (profile !== undefined && server !== undefined)
    throw new GatewayError('usage', 'pass --server or --profile, not both');
  return profile ?? server ?? null;
}

/** The MCP endpoint of a view. @param url that of the whole gateway, such as `http://127.0.0.1:8766/mcp` */
export function viewUrl(url: string, view: string | null): string {
  return view === null ? url : `${url.replace(/\/+$/, '')}/${encodeURIComponent(view)}`;
}

/** The endpoint that `--url` names. A URL without a path means `/mcp`. Throws `usage` if it cannot be used. */
export function endpointUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new GatewayError('usage', `--url expects http://HOST:PORT/mcp or https://…, found "${text}"`);
  if (url.username !== '' || url.password !== '')
    throw new GatewayError(
      'usage',
      '--url must not contain a user name or a password; set MCPSTEAD_BEARER_TOKEN to the token of the gateway',
    );
  if (url.pathname === '/') url.pathname = '/mcp';
  url.hash = '';
  return url.href;
}
