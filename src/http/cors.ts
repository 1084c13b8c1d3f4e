import { clientHeaders, serverHeaders } from '../protocol/headers.ts';

/** Request headers that browsers ask permission for. */
const requestHeaders = ['Authorization', 'Content-Type', ...clientHeaders];
const requestHeaderNames = new Set(requestHeaders.map((name) => name.toLowerCase()));
const exposedHeaders = [...serverHeaders, 'WWW-Authenticate'].join(', ');

/**
 * Answers a preflight request (Fetch standard, CORS protocol). An allowed origin may send any header that it asks for:
 * tools define `Mcp-Param-*`, and clients of newer protocol revisions have to get in to learn that the gateway is older.
 */
export function preflight(request: Request, methods: readonly string[]): Response {
  const requested = (request.headers.get('access-control-request-headers') ?? '').split(',');
  const others = requested
    .map((name) => name.trim())
    .filter((name) => !requestHeaderNames.has(name.toLowerCase()));
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': [...requestHeaders, ...others.filter(Boolean)].join(', '),
      'access-control-max-age': '86400',
    },
  });
}

/** Lets scripts of `origin` read the response. */
export function allowOrigin({ headers }: Response, origin: string): void {
  headers.set('access-control-allow-origin', origin);
  headers.set('access-control-expose-headers', exposedHeaders);
  headers.append('vary', 'Origin');
}
