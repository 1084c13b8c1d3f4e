import { GatewayError } from '../../errors.ts';
import { RecentValues } from '../../runtime/recent-values.ts';
import type { ToolRow } from '../admin/tool-sizes.ts';
import { queryOf } from '../query.ts';
import { assets } from './assets.ts';
import { Attempts } from './attempts.ts';
import { connectSection } from './connect-section.ts';
import { FormRequest } from './form-request.ts';
import type { Html } from './html.ts';
import type { PageParts } from './page-parts.ts';
import { cookieName, sessionSeconds } from './page-sessions.ts';
import { isOverTls, type Reader, readerOf } from './reader.ts';
import { signInPage } from './sign-in-page.ts';
import { statusPage } from './status-page.ts';

/** The headers of all that browsers show. The policy (CSP Level 3) lets nothing run or load but the files of the page. */
const safeHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
};
/** RFC 6750, 3. */
const challenge = { 'www-authenticate': 'Bearer realm="mcpstead"' };
/** More servers are not opened at once. */
const maxOpen = 20;

/** The responses of the status page. */
export class Page {
  readonly #parts: PageParts;
  readonly #attempts = new Attempts();
  /** The entries for clients, which take longer to render than all else, by what they depend on. */
  readonly #connections = new RecentValues<Html>(8);
  #bridge: Promise<readonly string[] | null> | null = null;

  constructor(parts: PageParts) {
    this.#parts = parts;
  }

  /** `GET /?tools=SERVER`: the status, with the tools of these servers. */
  async show(request: Request): Promise<Response> {
    const { admin } = this.#parts;
    const overview = await admin.overview();
    const asked = queryOf(request).getAll('tools').slice(0, maxOpen);
    const open = overview.servers.map(({ name }) => name).filter((name) => asked.includes(name));
    const tools = new Map<string, ToolRow[]>(open.map((name) => [name, []]));
    if (open.length > 0) for (const row of await admin.toolRows()) tools.get(row.server)?.push(row);
    const now = new Date().toISOString();
    const reader = readerOf(request, overview.url);
    const connections = await this.#connectionsFor(reader, overview.auth === 'bearer');
    return answer(200, await statusPage({ overview, now, tools, reader, connections }));
  }

  async #connectionsFor(reader: Reader, needsToken: boolean): Promise<Html> {
    this.#bridge ??= this.#parts.bridge?.() ?? Promise.resolve(null);
    const bridge = await this.#bridge;
    const key = JSON.stringify([reader, needsToken]);
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const rendered = connectSection(reader, needsToken, bridge);
    this.#connections.set(key, rendered);
    return rendered;
  }

  /** The form, for who has shown neither token nor cookie. */
  askForToken(): Response {
    return answer(401, signInPage(null, ''), challenge);
  }

  /** `POST /-/login`: exchanges the token for a cookie. */
  async signIn(request: Request): Promise<Response> {
    const { access, metrics, port, sessions } = this.#parts;
    const waitMs = this.#attempts.waitMs;
    if (waitMs > 0) {
      const seconds = String(Math.ceil(waitMs / 1000));
      const error = `Too many wrong tokens were tried. Try again in ${seconds} s.`;
      return answer(429, signInPage(error, '../'), { 'retry-after': seconds, connection: 'close' });
    }
    let token: string;
    try {
      token = (await new FormRequest(request).fields()).get('token')?.trim() ?? '';
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const shown = error.kind === 'body_too_large' ? 'No token is that long.' : 'The form did not arrive.';
      return answer(error.httpStatus, signInPage(shown, '../'), { connection: 'close' });
    }
    const guard = access();
    if (!guard.hasBearerToken) return this.toRoot();
    if (guard.checkToken(token) !== null) {
      this.#attempts.failed();
      metrics.authFailed('wrong_token');
      return answer(401, signInPage("This is not the gateway's bearer token.", '../'), challenge);
    }
    metrics.authSucceeded();
    const attributes = [
      `${cookieName(port())}=${sessions.open()}`,
      'Path=/',
      `Max-Age=${sessionSeconds}`,
      'HttpOnly',
      'SameSite=Strict',
      ...(isOverTls(request.headers) ? ['Secure'] : []),
    ];
    return this.toRoot({ 'set-cookie': attributes.join('; ') });
  }

  /** `POST /-/logout`: ends the session of the browser. */
  signOut({ headers }: Request): Response {
    const { port, sessions } = this.#parts;
    sessions.end(headers.get('cookie'));
    return this.toRoot({
      'set-cookie': `${cookieName(port())}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`,
    });
  }

  /** Leads from a path below `/-/` to the page. */
  toRoot(headers: Record<string, string> = {}): Response {
    return new Response(null, { status: 303, headers: { ...safeHeaders, ...headers, location: '../' } });
  }

  /** A file of the page. */
  asset(name: keyof typeof assets): Response {
    const [text, type] = assets[name];
    return new Response(text, { headers: { ...safeHeaders, 'content-type': type } });
  }
}

function answer(status: number, { text }: Html, headers: Record<string, string> = {}): Response {
  return new Response(text, {
    status,
    headers: { ...safeHeaders, 'content-type': 'text/html;charset=utf-8', ...headers },
  });
}
