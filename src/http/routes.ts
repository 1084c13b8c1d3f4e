import type { Endpoint } from '../downstream/endpoint.ts';
import { bodyOf } from '../downstream/reply-body.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { Metrics } from '../observability/metrics.ts';
import { SharedBytes } from '../runtime/owned-bytes.ts';
import type { Admin } from './admin/admin.ts';
import type { Health } from './health.ts';
import { McpRequest } from './mcp-request.ts';
import { pageRoutes } from './page/page-routes.ts';
import type { PageSessions } from './page/page-sessions.ts';
import type { Handler, Route } from './route.ts';
import type { HttpSettings } from './settings.ts';

/** The parts of the gateway that the routes give access to. */
export interface HttpParts {
  readonly endpoint: Endpoint;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Opens the routes of administrators; new at each start. */
  readonly adminToken: string;
  readonly admin: Admin;
  /** Finds the words that start `mcpstead stdio` for this gateway, on its machine; null: that cannot find it. */
  readonly bridge: (() => Promise<readonly string[]>) | null;
  readonly health: () => Health;
  readonly ready: () => boolean;
  /** Whether a server or a profile has this name. */
  readonly hasView: (name: string) => boolean;
  /** Resolves to a JSON value for the response; rejects with a {@link GatewayError}. */
  readonly reload: () => Promise<unknown>;
}

/** Longer names of views are truncated in errors. */
const maxShownChars = 100;

/**
 * All routes by path.
 * @param settings returns the current ones
 * @param sessions those of the status page
 * @param port returns that on which the gateway listens
 */
export function routesOf(
  parts: HttpParts,
  settings: () => HttpSettings,
  sessions: PageSessions,
  port: () => number,
): Record<string, Route> {
  const { admin, bridge, endpoint, health, ready, metrics, reload } = parts;
  const handleMcp = (request: Request, server: Bun.Server<undefined>, view: string) => {
    const { access, maxRequestBytes } = settings();
    const principal = access.hasBearerToken ? 'bearer' : 'none';
    const mcpRequest = new McpRequest(endpoint, request, server, principal, view, maxRequestBytes);
    endpoint.handle(mcpRequest);
    return mcpRequest.response;
  };
  const whole = mcpRoute((request, server) => handleMcp(request, server, ''));
  const view = mcpRoute((request, server) => {
    const name = request.params?.view ?? '';
    if (parts.hasView(name)) return handleMcp(request, server, name);
    const shown = JSON.stringify(name.slice(0, maxShownChars));
    return jsonError(404, `no enabled server and no profile is named ${shown}; /mcp serves all of them`);
  });
  return {
    '/mcp': whole,
    // Not a redirect, because many clients do not follow one with a POST.
    '/mcp/': whole,
    '/mcp/:view': view,
    '/mcp/:view/': view,
    '/health': readable(() => Response.json(health())),
    '/livez': probe(() => plain(200, 'ok\n')),
    '/readyz': probe(() => (ready() ? plain(200, 'ok\n') : plain(503, 'not ready\n'))),
    '/metrics': readable(async () => {
      if (!settings().metricsEnabled) return jsonError(404, 'metrics are disabled; see metrics.enabled');
      return new Response(bodyOf([new SharedBytes(await metrics.page())]), {
        headers: { 'content-type': Metrics.contentType },
      });
    }),
    ...pageRoutes({
      admin,
      bridge,
      sessions,
      port,
      access: () => settings().access,
      metrics: metrics.downstream,
    }),
    '/-/servers': read(() => admin.servers()),
    '/-/tools': read((request) => admin.tools(request)),
    '/-/logs': read((request) => admin.logs(request)),
    '/-/events': read(() => admin.events()),
    '/-/bridges': read(() => admin.bridge()),
    '/-/servers/:server/reconnect': {
      methods: { POST: ({ params }) => admin.reconnect(params?.server ?? '') },
      access: 'administrators',
    },
    '/-/reload': { methods: { POST: () => reloadWith(reload) }, access: 'operators' },
  };
}

function mcpRoute(handler: Handler): Route {
  return { methods: { POST: handler, GET: handler, DELETE: handler }, access: 'clients' };
}

/** Sets the type itself, because Bun adds it to a GET but not to a HEAD. */
function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain;charset=utf-8' } });
}

export function jsonError(status: number, error: string): Response {
  return Response.json({ error }, { status });
}

function readable(handler: Handler): Route {
  return { methods: { GET: handler, HEAD: handler }, access: 'everyone' };
}

function probe(handler: Handler): Route {
  return { ...readable(handler), isProbe: true };
}

/** A route that people and commands read. */
function read(handler: Handler): Route {
  return { methods: { GET: handler }, access: 'readers' };
}

async function reloadWith(reload: () => Promise<unknown>): Promise<Response> {
  try {
    return Response.json(await reload());
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return jsonError(error.httpStatus, error.message);
  }
}
