/** Carries the id of the session; in lower case, like all header names here. MCP 2025-11-25, Transports, Session Management. */
export const sessionHeader = 'mcp-session-id';
/** Carries the negotiated revision. MCP 2025-11-25, Transports, Protocol Version Header. */
export const versionHeader = 'mcp-protocol-version';
/** Repeat the method and the target of a request. MCP 2026-07-28, Transports, Standard Request Headers. */
export const methodHeader = 'mcp-method';
export const nameHeader = 'mcp-name';

/** The member of the params that `Mcp-Name` repeats, by method. MCP 2026-07-28, Standard Request Headers; Tasks, Routing Headers. */
export const namedMembers: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** Names the last event that a client got of a stream. MCP 2025-11-25, Transports, Resumability and Redelivery. */
export const lastEventHeader = 'last-event-id';

/** The headers that clients and servers send, as they are usually written. MCP 2025-11-25 and 2026-07-28, Transports. */
export const clientHeaders = [
  'Mcp-Session-Id',
  'MCP-Protocol-Version',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
];
export const serverHeaders = ['Mcp-Session-Id', 'MCP-Protocol-Version'];

export const jsonType = 'application/json';
export const sseType = 'text/event-stream';
export const formType = 'application/x-www-form-urlencoded';

/** The media types that a client accepts for a response. */
export interface AcceptedTypes {
  readonly json: boolean;
  readonly sse: boolean;
}

const jsonOnly: AcceptedTypes = { json: true, sse: false };
const both: AcceptedTypes = { json: true, sse: true };

/**
 * Parses an `Accept` header (RFC 9110, 12.5.1). A missing header, a lone wildcard and `application/*` mean JSON: only clients
 * that ask for a stream get one. A range with `q=0` is not accepted.
 */
export function parseAccept(header: string | null): AcceptedTypes {
  if (header === null || header === '' || header === '*/*') return jsonOnly;
  if (header === 'application/json, text/event-stream') return both;
  let json = false;
  let sse = false;
  for (const range of header.toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    if (parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter))) continue;
    if (type === jsonType || type === 'application/*' || type === '*/*') json = true;
    else if (type === sseType || type === 'text/*') sse = true;
  }
  return { json, sse };
}

/** The media type of a `Content-Type` header, in lower case and without parameters. */
export function mediaType(header: string | null): string {
  if (header === null) return '';
  // The usual form, without a scan.
  if (header === jsonType) return jsonType;
  const end = header.indexOf(';');
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}
