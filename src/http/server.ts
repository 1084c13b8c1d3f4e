import { maxRequestBytes } from '../config/schema.ts';
import { errorResponse, methodNotAllowed } from '../downstream/error-answers.ts';
import { GatewayError } from '../errors.ts';
import { type DescriptorWatcher, descriptors } from '../runtime/descriptors.ts';
import { allowOrigin, preflight } from './cors.ts';
import type { BearerProblem } from './guards.ts';
import { idleTimeoutSeconds } from './mcp-request.ts';
import { jsonError, unauthorized } from './responses.ts';
import { type HttpParts, type HttpSettings, type Route, routesOf } from './routes.ts';

/** Bun's own bound on bodies: ours is lower, changes with the configuration and answers in our words. */
const maxBunBodyBytes = maxRequestBytes + 1;
/** How long answers that are on their way may take to leave when the server stops. */
const flushTimeoutMs = 250;
/** How long file descriptors must have been short before clients lose connections that they do not use. */
const closeIdleAfterMs = 15_000;

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
          Object.entries(routesOf(parts, () => this.#settings)).map(([path, route]) => [
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

  /** Not an async function: nearly all requests are from no browser and have a short body, and need no {@link #finish}. */
  #answer(
    request: Request,
    server: Bun.Server<undefined>,
    route: Route | undefined,
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
    route: Route | undefined,
    request: Request,
    server: Bun.Server<undefined>,
    origin: string | null,
  ): Response | Promise<Response> {
    if (!route) return jsonError(404, 'nothing here; the MCP endpoint is /mcp');
    if (request.method === 'OPTIONS' && origin !== null)
      return preflight(request, Object.keys(route.methods));
    const problem = route.isGuarded ? this.#bearerProblem(request) : null;
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
