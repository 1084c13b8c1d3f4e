/** Names the session. MCP 2025-11-25, Transports, Session Management. In lower case, as all header names here. */
export const sessionHeader = 'mcp-session-id';
/** Names the negotiated revision. MCP 2025-11-25, Transports, Protocol Version Header. */
export const versionHeader = 'mcp-protocol-version';

/** The media types of a body that is one JSON text, and of a stream of events. */
export const jsonType = 'application/json';
export const sseType = 'text/event-stream';

/** What a client takes as the body of an answer. */
export interface Accepted {
  readonly json: boolean;
  readonly sse: boolean;
}

const jsonOnly: Accepted = { json: true, sse: false };
const both: Accepted = { json: true, sse: true };

/**
 * Reads an `Accept` header (RFC 9110, 12.5.1). A missing one, a wildcard alone and `application/*` mean JSON:
 * whoever does not ask for a stream does not get one. A range with `q=0` is not accepted.
 */
export function parseAccept(header: string | null): Accepted {
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
  // As nearly everyone writes it.
  if (header === jsonType) return jsonType;
  const end = header.indexOf(';');
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}
