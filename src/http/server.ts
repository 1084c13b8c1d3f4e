import { maxRequestBytes } from '../config/schema.ts';
import type { Endpoint } from '../downstream/endpoint.ts';
import { errorResponse } from '../downstream/error-answers.ts';
import type { Principal } from '../downstream/legacy/session-ids.ts';
import { bodyOf } from '../downstream/reply-body.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { Metrics } from '../observability/metrics.ts';
import { jsonType, mediaType, parseAccept, sessionHeader, versionHeader } from '../protocol/headers.ts';
import { type DescriptorWatcher, descriptors } from '../runtime/descriptors.ts';
import { SharedBytes } from '../runtime/owned-bytes.ts';
import { type BearerGuard, type BearerProblem, bearerProblems, type HostGuard } from './guards.ts';
import type { Health } from './health.ts';
import { idleTimeoutSeconds, PostRequest } from './post-request.ts';
import { readBody } from './request-body.ts';

/** Bun's own bound on bodies: ours is lower, changes with the configuration and answers in our words. */
const maxBunBodyBytes = maxRequestBytes + 1;
/** How long answers that are on their way may take to leave when the server stops. */
const flushTimeoutMs = 250;
/** How long file descriptors must have been short before clients lose connections that they do not use. */
const closeIdleAfterMs = 15_000;

/** What a reload may change. */
export interface HttpSettings {
  readonly hostGuard: HostGuard;
  /** Null while clients need no token. */
  readonly bearerGuard: BearerGuard | null;
  readonly maxRequestBytes: number;
  readonly metricsEnabled: boolean;
}

/** What the routes show and do. */
interface HttpParts {
  readonly endpoint: Endpoint;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly health: () => Health;
  readonly ready: () => boolean;
  /** Resolves to the JSON value to show; rejects with a {@link GatewayError}. */
  readonly reload: () => Promise<unknown>;
}

type Handler = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;

interface RouteHandlers {
  readonly methods: Readonly<Record<string, Handler>>;
  /** Needs the token in bearer mode. */
  readonly guarded: boolean;
}

/** The gateway's HTTP side: limits, guards and routes. */
export class HttpServer implements DescriptorWatcher {
  readonly #parts: HttpParts;
  readonly #server: Bun.Server<undefined>;
  #settings: HttpSettings;

  /** Starts to listen. Throws `port_unavailable`. */
  constructor(host: string, port: number, settings: HttpSettings, parts: HttpParts) {
    this.#parts = parts;
    this.#settings = settings;
    try {
      this.#server = Bun.serve({
        hostname: host,
        port,
        idleTimeout: idleTimeoutSeconds,
        maxRequestBodySize: maxBunBodyBytes,
        development: false,
        // Bun sets SO_REUSEPORT outside of development: two gateways would share one port unawares.
        reusePort: false,
        // To look for the path in the URL would cost as much as a dozen headers: Bun makes a text of it first.
        routes: Object.fromEntries(
          Object.entries(this.#table()).map(([path, route]) => [
            path,
            (request: Request, server: Bun.Server<undefined>) => this.#answer(request, server, route),
          ]),
        ),
        fetch: (request, server) => this.#answer(request, server, undefined),
        error: (error) => {
          parts.logger.error('an HTTP request failed inside the gateway', { error });
          return jsonError(500, 'the gateway failed; its log says more');
        },
      });
    } catch (error) {
      throw cannotListen(host, port, error);
    }
    descriptors.watch(this);
  }

  get port(): number {
    return this.#server.port as number;
  }

  apply(settings: HttpSettings): void {
    this.#settings = settings;
  }

  onShortage(problem: string): void {
    this.#parts.logger.error(`${problem}; until then new connections of clients wait until others end`);
  }

  onShortageLasts(forMs: number): void {
    // Those that send nothing at all have been closed by Bun.
    if (forMs > closeIdleAfterMs) this.#server.closeIdleConnections();
  }

  onRoom(): void {
    this.#parts.logger.warn('file descriptors are available again: new connections of clients are accepted');
  }

  /** Stops listening; answers that are on their way get a moment to leave. */
  async stop(): Promise<void> {
    await Promise.race([this.#server.stop(), Bun.sleep(flushTimeoutMs)]);
    this.kill();
  }

  /** Closes all sockets at once. */
  kill(): void {
    descriptors.unwatch(this);
    void this.#server.stop(true);
  }

  #table(): Record<string, RouteHandlers> {
    const { health, ready, metrics } = this.#parts;
    const readable = (handler: Handler): RouteHandlers => ({
      methods: { GET: handler, HEAD: handler },
      guarded: false,
    });
    const mcp: RouteHandlers = {
      methods: {
        POST: (request, server) => this.#post(request, server),
        GET: (request) => this.#listen(request),
        DELETE: (request) => this.#terminate(request),
      },
      guarded: true,
    };
    return {
      '/mcp': mcp,
      // Not a redirect: many clients do not follow one with a POST.
      '/mcp/': mcp,
      '/health': readable(() => Response.json(health())),
      '/livez': readable(() => plain(200, 'ok\n')),
      '/readyz': readable(() => (ready() ? plain(200, 'ok\n') : plain(503, 'not ready\n'))),
      '/metrics': readable(async () => {
        if (!this.#settings.metricsEnabled)
          return jsonError(404, 'metrics are disabled; see metrics.enabled');
        return new Response(bodyOf([new SharedBytes(await metrics.page())]), {
          headers: { 'content-type': Metrics.contentType },
        });
      }),
      '/-/reload': { methods: { POST: () => this.#reload() }, guarded: true },
    };
  }

  /** Not an async function: nearly all requests are from no browser and have a short body, and need no {@link #finish}. */
  #answer(
    request: Request,
    server: Bun.Server<undefined>,
    route: RouteHandlers | undefined,
  ): Response | Promise<Response> {
    const { headers } = request;
    const origin = headers.get('origin');
    const problem = this.#settings.hostGuard.problem(headers.get('host'), origin);
    const answer =
      problem === null
        ? this.#follow(route, request, server, origin)
        : errorResponse(new GatewayError('forbidden', `Forbidden: ${problem}`));
    const allowed = problem === null ? origin : null;
    // Of a body that is being read, nothing is left to worry about.
    if (allowed === null && (request.bodyUsed || !this.#bodyIsLong(headers))) return answer;
    return this.#finish(answer, request, allowed);
  }

  /** @param origin who may read the answer besides programs that are no browsers; null: nobody */
  async #finish(
    answer: Response | Promise<Response>,
    request: Request,
    origin: string | null,
  ): Promise<Response> {
    const response = await answer;
    if (origin !== null) allowOrigin(response, origin);
    // Bun reads on, to the next request, what of a body was not read. That must not go on for ever.
    if (!request.bodyUsed && this.#bodyIsLong(request.headers)) response.headers.set('connection', 'close');
    return response;
  }

  /** Whether a body is longer than we take, or may be. */
  #bodyIsLong(headers: Headers): boolean {
    const length = headers.get('content-length');
    return length === null
      ? headers.has('transfer-encoding')
      : Number(length) > this.#settings.maxRequestBytes || headers.has('transfer-encoding');
  }

  #follow(
    route: RouteHandlers | undefined,
    request: Request,
    server: Bun.Server<undefined>,
    origin: string | null,
  ): Response | Promise<Response> {
    if (!route) return jsonError(404, 'nothing here; the MCP endpoint is /mcp');
    if (request.method === 'OPTIONS' && origin !== null)
      return preflight(request, Object.keys(route.methods));
    const problem = route.guarded ? this.#bearerProblem(request) : null;
    if (problem !== null) return unauthorized(problem);
    const handler = Object.hasOwn(route.methods, request.method) ? route.methods[request.method] : undefined;
    if (!handler) return methodNotAllowed(Object.keys(route.methods));
    return handler(request, server);
  }

  #bearerProblem(request: Request): BearerProblem | null {
    const guard = this.#settings.bearerGuard;
    if (guard === null) return null;
    const problem = guard.problem(request.headers.get('authorization'));
    const { downstream } = this.#parts.metrics;
    if (problem === null) downstream.authSucceeded();
    else downstream.authFailed(problem);
    return problem;
  }

  /** Whose the sessions are that this request may use. */
  get #principal(): Principal {
    return this.#settings.bearerGuard === null ? 'none' : 'bearer';
  }

  #post(request: Request, server: Bun.Server<undefined>): Response | Promise<Response> {
    const { headers } = request;
    const { endpoint } = this.#parts;
    if (mediaType(headers.get('content-type')) !== jsonType) {
      const expected = `the Content-Type must be ${jsonType}`;
      return endpoint.refusal(new GatewayError('unsupported_media_type', expected));
    }
    const accepted = parseAccept(headers.get('accept'));
    if (!accepted.json && !accepted.sse) {
      const expected = 'the Accept header must allow application/json or text/event-stream';
      return endpoint.refusal(new GatewayError('not_acceptable', expected));
    }
    const post = new PostRequest(request, server, accepted, this.#principal, endpoint);
    readBody(request, this.#settings.maxRequestBytes, post);
    return post.response;
  }

  #listen(request: Request): Response {
    const sessionId = request.headers.get(sessionHeader);
    if (sessionId === null || !parseAccept(request.headers.get('accept')).sse) {
      this.#parts.metrics.downstream.requestWithoutMethod('listen', false);
      return methodNotAllowed(['POST', 'DELETE']);
    }
    try {
      return this.#parts.endpoint.listen(sessionId, request.headers.get(versionHeader), this.#principal);
    } catch (error) {
      return this.#sessionProblem('listen', error);
    }
  }

  #terminate(request: Request): Response {
    const sessionId = request.headers.get(sessionHeader);
    try {
      if (sessionId === null)
        throw new GatewayError('invalid_request', 'DELETE needs the Mcp-Session-Id header');
      return this.#parts.endpoint.terminate(sessionId, request.headers.get(versionHeader), this.#principal);
    } catch (error) {
      return this.#sessionProblem('terminate', error);
    }
  }

  #sessionProblem(label: 'listen' | 'terminate', error: unknown): Response {
    if (!(error instanceof GatewayError)) throw error;
    this.#parts.metrics.downstream.requestWithoutMethod(label, false);
    return errorResponse(error);
  }

  async #reload(): Promise<Response> {
    try {
      return Response.json(await this.#parts.reload());
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return jsonError(error.httpStatus, error.message);
    }
  }
}

/** Names the type itself, for Bun adds it to GET only, and not to HEAD. */
function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain;charset=utf-8' } });
}

function jsonError(status: number, error: string): Response {
  return Response.json({ error }, { status });
}

/** RFC 6750, 3. */
function unauthorized(problem: BearerProblem): Response {
  const { challenge, error } = bearerProblems[problem];
  return Response.json({ error }, { status: 401, headers: { 'www-authenticate': challenge } });
}

function methodNotAllowed(methods: readonly string[]): Response {
  const allow = methods.join(', ');
  return Response.json(
    { error: `method not allowed; allowed: ${allow}` },
    { status: 405, headers: { allow } },
  );
}

/** The headers that clients in browsers send and that need leave to. */
const requestHeaders = [
  'Authorization',
  'Content-Type',
  'Mcp-Session-Id',
  'MCP-Protocol-Version',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
];
const requestHeaderNames = new Set(requestHeaders.map((name) => name.toLowerCase()));

/**
 * Fetch standard, CORS protocol. An allowed origin may send any header that it asks for: `Mcp-Param-*` are named by tools,
 * and clients of newer protocol revisions find out that we are older only when they are let in.
 */
function preflight(request: Request, methods: readonly string[]): Response {
  const asked = (request.headers.get('access-control-request-headers') ?? '').split(',');
  const others = asked
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

function allowOrigin(response: Response, origin: string): void {
  response.headers.set('access-control-allow-origin', origin);
  response.headers.set(
    'access-control-expose-headers',
    'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate',
  );
  response.headers.append('vary', 'Origin');
}

function cannotListen(host: string, port: number, error: unknown): GatewayError {
  const code = String((error as { code?: unknown }).code ?? 'unknown error');
  const cause: Record<string, string> = {
    EADDRINUSE: 'the port is in use; stop what listens there, or set another "port"',
    EACCES: 'not permitted; ports below 1024 are reserved for root',
    EADDRNOTAVAIL: 'this machine has no such address; check "host"',
  };
  return new GatewayError(
    'port_unavailable',
    `cannot listen on ${host} port ${port}: ${cause[code] ?? `${code}; check "host" and "port"`}`,
  );
}
