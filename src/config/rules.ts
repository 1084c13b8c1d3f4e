import { isAddress } from './hosts.ts';
import { foreignReferenceIn } from './variables.ts';

// The syntax of hosts, names, headers and URLs. An `…Expected` function returns null for a valid value, else what was expected,
// so that a message can be exact.

/** `<server>__<tool>` must be unambiguous, so a name has no `__` and does not end in `_`. */
const serverName = /^(?!.*__)[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9.-])?$/;
const hostName = /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?$/;
/** RFC 9110 section 5.6.2, `token`. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Checks the name of a server, with which the qualified names of its tools begin. */
export function serverNameExpected(name: string): string | null {
  if (serverName.test(name)) return null;
  if (name.includes('__')) return 'a name without "__", which separates server and tool names';
  if (name.endsWith('_')) return 'a name that does not end in "_"';
  return 'a name of letters, digits, "_", "-" and ".", that begins with a letter or digit';
}

/** Whether `text` is a host name or IP address, without scheme, port or IPv6 brackets. A host name does not end in a number. */
export function isHost(text: string): boolean {
  if (isAddress(text)) return true;
  return text.length <= 253 && hostName.test(text) && !/(?:^|\.)\d+\.?$/.test(text);
}

/** Checks the URL of a server. It must not have a fragment, which never reaches a server. */
export function urlExpected(text: string): string | null {
  const web = /^https?:\/\/[^/?#]/i.test(text) && !/[\s\\]/.test(text) && URL.canParse(text);
  if (!web) return 'an http:// or https:// URL';
  if (text.includes('#')) return 'a URL without "#…", which never reaches a server';
  return null;
}

/** Checks a path of this machine. Text that a shell would expand is refused: nobody wants a folder called `~`. */
export function pathExpected(text: string): string | null {
  if (text === '' || text.includes('\0')) return 'a path or null';
  const isForShell = text.startsWith('~') || text.includes('${') || foreignReferenceIn(text) !== null;
  return isForShell ? 'a full path without "~" and variables, or null' : null;
}

/** Whether `text` can name a tool. MCP 2025-11-25, Tools, Tool Names. */
export const isToolName = (text: string) => /^[A-Za-z0-9_.-]{1,128}$/.test(text);

/** Whether `text` is the name of an environment variable by POSIX, in either case. */
export const isVariableName = (text: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);

/** Whether every HTTP peer decodes this header value alike. RFC 9110 section 5.5, without `obs-text`. */
export const isHeaderValue = (text: string) => /^[\t\x20-\x7e]*$/.test(text);

/** Whether `text` can be sent as a bearer token: visible ASCII. RFC 6750, 2.1, is stricter. */
export const isBearerToken = (text: string) => /^[\x21-\x7e]+$/.test(text);

const gateway = 'the gateway sets it';
const connection = 'it belongs to the connection, not to the request';
/** Headers that a configuration cannot set, with the reason. `Mcp-Param-*` is reserved, too. */
const ownHeaders: Readonly<Record<string, string>> = {
  Accept: 'use quirks.inject_accept_header',
  'Accept-Encoding': gateway,
  Connection: connection,
  'Content-Encoding': gateway,
  'Content-Length': gateway,
  'Content-Type': gateway,
  Expect: connection,
  Host: 'it comes from url',
  'Keep-Alive': connection,
  'Last-Event-ID': gateway,
  'Mcp-Method': gateway,
  'Mcp-Name': gateway,
  'MCP-Protocol-Version': gateway,
  'Mcp-Session-Id': gateway,
  'Proxy-Connection': connection,
  TE: connection,
  Trailer: connection,
  'Transfer-Encoding': connection,
  Upgrade: connection,
};
const reasons = new Map(Object.entries(ownHeaders).map(([name, reason]) => [name.toLowerCase(), reason]));

/** The names of the headers that a configuration cannot set, for the documentation. */
export function reservedHeaders(): string[] {
  return [...Object.keys(ownHeaders), 'Mcp-Param-*'];
}

/** The problem of a header name in `servers[].headers`, as a complete message; null if it may be set. */
export function headerNameProblem(name: string): string | null {
  if (!headerName.test(name)) return 'this key is not an HTTP header name; expected letters, digits, - and _';
  const lower = name.toLowerCase();
  const reason = reasons.get(lower) ?? (lower.startsWith('mcp-param-') ? gateway : null);
  return reason === null ? null : `the header ${name} cannot be set here: ${reason}`;
}
