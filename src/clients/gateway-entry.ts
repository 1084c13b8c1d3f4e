import type { ClientRow } from './row.ts';

/** The gateway, as an entry in a client's file names it. */
export interface GatewayTarget {
  /** The URL of the gateway's `/mcp`. */
  readonly url: string;
  /** Whether clients need the bearer token. */
  readonly needsToken: boolean;
  /** The absolute path of mcpstead, for clients that start a program. */
  readonly command: string;
  /** Its arguments for a bridge to this gateway; by default `stdio`. */
  readonly args?: readonly string[];
  /** The server that the entry stands for; null for all of them. */
  readonly view: string | null;
}

/** The variable that holds the token of the gateway. */
const tokenVariable = 'MCPSTEAD_BEARER_TOKEN';

/**
 * The entry for the gateway in the file of a client. It is the URL where the client takes one, and can refer to the token if one
 * is needed; else it starts `mcpstead stdio`, which knows the token.
 */
export function gatewayEntry(row: ClientRow, target: GatewayTarget): Readonly<Record<string, unknown>> {
  const { url, needsToken, command, args = ['stdio'], view } = target;
  const token = needsToken ? row.remote?.token?.(tokenVariable) : {};
  const named = row.nameKey === null ? {} : { [row.nameKey]: view ?? 'mcpstead' };
  if (row.remote === null || token === undefined)
    return { ...named, ...row.stdio(command, view === null ? args : [...args, '--server', view]) };
  const whole = view === null ? url : `${url}/${encodeURIComponent(view)}`;
  return { ...named, ...row.remote.fixed, [row.remote.url]: whole, ...token };
}
