import type { LoadedConfig } from '../config/load.ts';
import { maxRequestBytes } from '../config/schema.ts';
import { errorResponse, methodNotAllowed } from '../downstream/error-answers.ts';
import { GatewayError } from '../errors.ts';
import { type DescriptorWatcher, descriptors } from '../runtime/descriptors.ts';
import { type AccessRule, accessRules } from './access.ts';
import { allowOrigin, preflight } from './cors.ts';
import { adminHint, type BearerProblem, bearerHint, bearerProblems } from './guards.ts';
import { idleTimeoutSeconds } from './mcp-request.ts';
import { Opening } from './opening.ts';
import { PageSessions } from './page/page-sessions.ts';
import { mayExceed } from './request-body.ts';
import type { Route } from './route.ts';
import { type HttpParts, jsonError, routesOf } from './routes.ts';
import { type HttpSettings, httpSettingsOf } from './settings.ts';

/** Bun's limit on bodies. Ours is lower, changes with the configuration and has its own error. */
const maxBunBodyBytes = maxRequestBytes + 1;
/** The time that a stopping server leaves to responses being sent. */
const flushTimeoutMs = 250;
/** If file descriptors are short for this long, idle connections of clients are closed. */
const closeIdleAfterMs = 15_000;

/** The gateway's HTTP server: guards, CORS and routes. */
export class HttpServer implements DescriptorWatcher {
  readonly #parts: HttpParts;
  readonly #server: Bun.Server<undefined>;
  readonly #pageSessions = new PageSessions(() => this.port);
  #settings: HttpSettings;
  /** Where requests that arrive before {@link open} wait for it; null afterwards. */
  #opening: Opening | null = new Opening();

  /**
   * Starts to listen, but answers only probes before {@link open}: a second gateway on the port fails before it starts anything,
   * such as the programs of its servers. Throws `port_unavailable`.
   */
  constructor(loaded: LoadedConfig, parts: HttpParts) {
    const { host, port } = loaded.config;
    this.#parts = parts;
    this.#settings = this.#settingsOf(loaded);
    const routes = routesOf(
      parts,
      () => this.#settings,
      this.#pageSessions,
      () => this.port,
    );
    try {
      this.#server = Bun.serve({
        hostname: host,
        port,
        idleTimeout: idleTimeoutSeconds,
        maxRequestBodySize: maxBunBodyBytes,
        development: false,
        // Outside of development Bun sets SO_REUSEPORT, which would let two gateways share a port.
        reusePort: false,
        // Faster than `request.url`, which costs as much as a dozen headers (docs/performance.md#bun-routes).
        routes: Object.fromEntries(
          Object.entries(routes).map(([path, route]) => [
            path,
            (request: Request, server: Bun.Server<undefined>) => this.#take(request, server, route),
          ]),
        ),
        fetch: (request, server) => this.#take(request, server, undefined),
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
  get isOpen(): boolean {
    return this.#opening === null;
  }

  /** Answers requests from now on. */
  open(): void {
    this.#opening?.open();
    this.#opening = null;
  }

  /** Refuses the requests that wait, and later ones: {@link open} will not be called. */
  giveUp(): void {
    this.#opening?.giveUp();
  }

  /** Applies the settings that a reload can change. */
  apply(loaded: LoadedConfig): void {
    this.#settings = this.#settingsOf(loaded);
  }

  #settingsOf(loaded: LoadedConfig): HttpSettings {
    this.#pageSessions.useToken(loaded.bearerToken);
    return httpSettingsOf(loaded, this.#parts.adminToken, this.#pageSessions);
  }

  onShortage(problem: string): void {
    this.#parts.logger.error(`${problem}; until then new client connections wait until others close`);
  }

  onShortageLasts(forMs: number): void {
    // Bun has closed connections that send nothing at all.
    if (forMs > closeIdleAfterMs) this.#server.closeIdleConnections();
  }

  onRoom(): void {
    this.#parts.logger.warn('file descriptors are available again: new client connections are accepted');
  }

  /** Stops listening, after a moment for responses being sent. */
  async stop(): Promise<void> {
    await Promise.race([this.#server.stop(), Bun.sleep(flushTimeoutMs)]);
    this.kill();
  }

  /** Closes all sockets at once. */
  kill(): void {
    descriptors.unwatch(this);
    void this.#server.stop(true);
  }

  #take(
    request: Request,
    server: Bun.Server<undefined>,
    route: Route | undefined,
  ): Response | Promise<Response> {
    if (this.#opening === null || route?.isProbe) return this.#answer(request, server, route);
    return this.#opening.wait(request).then((refusal) => refusal ?? this.#answer(request, server, route));
  }

  /** Not async, because nearly all requests have a short body and no `Origin`, and so need no {@link #finish}. */
  #answer(
    request: Request,
    server: Bun.Server<undefined>,
    route: Route | undefined,
  ): Response | Promise<Response> {
    const { headers } = request;
    const origin = headers.get('origin');
    const problem = this.#settings.hostGuard.check(headers.get('host'), origin);
    const answer =
      problem === null
        ? this.#follow(route, request, server, origin)
        : errorResponse(new GatewayError('forbidden', `Forbidden: ${problem}`));
    const allowed = problem === null ? origin : null;
    // A body that is being read is bounded by its reader.
    if (allowed === null && (request.bodyUsed || !this.#bodyIsLong(headers))) return answer;
    return this.#finish(answer, request, allowed);
  }

  /** @param origin the origin whose scripts may read the response, or null */
  async #finish(
    answer: Response | Promise<Response>,
    request: Request,
    origin: string | null,
  ): Promise<Response> {
    const response = await answer;
    if (origin !== null) allowOrigin(response, origin);
    // Bun discards the rest of an unread body before the next request, which could take for ever.
    if (!request.bodyUsed && this.#bodyIsLong(request.headers)) response.headers.set('connection', 'close');
    return response;
  }

  #bodyIsLong(headers: Headers): boolean {
    return mayExceed(headers, this.#settings.maxRequestBytes);
  }

  #follow(
    route: Route | undefined,
    request: Request,
    server: Bun.Server<undefined>,
    origin: string | null,
  ): Response | Promise<Response> {
    if (!route) return jsonError(404, 'not found; the MCP endpoint is /mcp');
    const { method } = request;
    if (method === 'OPTIONS' && origin !== null) return preflight(request, Object.keys(route.methods));
    const { access } = this.#settings;
    const rule = accessRules[route.access];
    const problem = access.isGuarded(rule) ? this.#credentialProblem(rule, request) : null;
    if (problem !== null)
      return route.unauthorized?.(problem, request) ?? unauthorized(problem, access.hasBearerToken);
    const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined;
    if (!handler) return methodNotAllowed(Object.keys(route.methods));
    const refusal = access.formProblem(rule, request);
    if (refusal !== null) return jsonError(refusal.status, refusal.error);
    return handler(request, server);
  }

  #credentialProblem(rule: AccessRule, { headers }: Request): BearerProblem | null {
    const problem = this.#settings.access.check(rule, headers);
    const { downstream } = this.#parts.metrics;
    if (problem === null) downstream.authSucceeded();
    else downstream.authFailed(problem);
    return problem;
  }
}

/** RFC 6750, 3. @param hasBearerToken whether the gateway has a token besides that for its administrator */
function unauthorized(problem: BearerProblem, hasBearerToken: boolean): Response {
  const { challenge, error } = bearerProblems[problem];
  return Response.json(
    { error: `${error}: ${hasBearerToken ? bearerHint : adminHint}` },
    { status: 401, headers: { 'www-authenticate': challenge } },
  );
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
