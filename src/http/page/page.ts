import { GatewayError } from '../../errors.ts';
import type { ToolRow } from '../admin/tool-sizes.ts';
import { queryOf } from '../query.ts';
import { assets } from './assets.ts';
import { Attempts } from './attempts.ts';
import { FormRequest } from './form-request.ts';
import type { Html } from './html.ts';
import type { PageParts } from './page-parts.ts';
import { cookieName, sessionSeconds } from './page-sessions.ts';
import { isOverTls, readerOf } from './reader.ts';
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

  constructor(parts: PageParts) {
    this.#parts = parts;
  }

  /** `GET /?tools=SERVER`: the status, with the tools of these servers. */
  async show(request: Request): Promise<Response> {
    const { admin, bridge } = this.#parts;
    const overview = await admin.overview();
    const asked = queryOf(request).getAll('tools').slice(0, maxOpen);
    const open = overview.servers.map(({ name }) => name).filter((name) => asked.includes(name));
    const tools = new Map<string, ToolRow[]>(open.map((name) => [name, []]));
    if (open.length > 0) for (const row of await admin.toolRows()) tools.get(row.server)?.push(row);
    const now = new Date().toISOString();
    const reader = readerOf(request, overview.url);
    return answer(200, statusPage({ overview, now, tools, reader, bridge: (await bridge?.()) ?? null }));
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
