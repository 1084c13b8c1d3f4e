import { isAddress } from './hosts.ts';
import { foreignReferenceIn } from './variables.ts';

// What a host, name, header or URL may look like. A function answers what was expected, or null when the
// value is good, so that the schema can say exactly what is wrong with a value.

/** `<server>__<tool>` must split again without doubt, so a name holds no `__` and does not end in `_`. */
const serverName = /^(?!.*__)[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9.-])?$/;
const hostName = /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?$/;
/** RFC 9110 section 5.6.2, `token`. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 section 5.5 without `obs-text`, which peers decode differently. */
const headerValue = /^[\t\x20-\x7e]*$/;
/** What fits into `Authorization: Bearer …`: visible ASCII. */
const bearerToken = /^[\x21-\x7e]+$/;
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A server's name; a tool's qualified name begins with it. */
export function serverNameExpected(name: string): string | null {
  if (serverName.test(name)) return null;
  if (name.includes('__')) return 'a name without "__", which separates server and tool names';
  if (name.endsWith('_')) return 'a name that does not end in "_"';
  return 'a name of letters, digits, "_", "-" and ".", that begins with a letter or digit';
}

/** A host name or IP address; no scheme, port or IPv6 brackets. What ends in a number is an address, or nothing. */
export function isHost(text: string): boolean {
  if (isAddress(text)) return true;
  return text.length <= 253 && hostName.test(text) && !/(?:^|\.)\d+\.?$/.test(text);
}

/** A server's URL. A fragment is refused because no server ever sees it. */
export function urlExpected(text: string): string | null {
  const web = /^https?:\/\/[^/?#]/i.test(text) && !/[\s\\]/.test(text) && URL.canParse(text);
  if (!web) return 'an http:// or https:// URL';
  if (text.includes('#')) return 'a URL without "#…", which never reaches a server';
  return null;
}

/** A path of this machine. What a shell would expand is refused: a folder called `~` is none that anybody wants. */
export function pathExpected(text: string): string | null {
  if (text === '' || text.includes('\0')) return 'a path or null';
  const isForShell = text.startsWith('~') || text.includes('${') || foreignReferenceIn(text) !== null;
  return isForShell ? 'a path in full, without "~" and variables, or null' : null;
}

/** The name of an environment variable, as POSIX allows it, in either case. */
export function isVariableName(text: string): boolean {
  return variableName.test(text);
}

/** A value that every HTTP peer reads alike. */
export function isHeaderValue(text: string): boolean {
  return headerValue.test(text);
}

/** A token that can be sent (RFC 6750, 2.1, asks for less). */
export function isBearerToken(text: string): boolean {
  return bearerToken.test(text);
}

const gateway = 'the gateway sets it';
const connection = 'it belongs to the connection, not to the request';
/** Headers that a configuration cannot set, with the reason; `Mcp-Param-*` goes with them. */
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

/** What is wrong with a header name in `servers[].headers`, as a statement; null when it may be set. */
export function headerNameProblem(name: string): string | null {
  if (!headerName.test(name)) return 'this key is no HTTP header name; expected letters, digits, - and _';
  const lower = name.toLowerCase();
  const reason = reasons.get(lower) ?? (lower.startsWith('mcp-param-') ? gateway : null);
  return reason === null ? null : `the header ${name} cannot be set here: ${reason}`;
}
