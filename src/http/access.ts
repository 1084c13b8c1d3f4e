import { formType, jsonType, mediaType } from '../protocol/headers.ts';
import { BearerGuard, type BearerProblem } from './guards.ts';

/** What a route demands of whoever uses it. */
export interface AccessRule {
  /** When a credential is needed: never, if the gateway has a bearer token, or always. */
  readonly guarded: 'never' | 'with_bearer_token' | 'always';
  /** Whether the admin token will do in place of the bearer token. */
  readonly takesAdminToken: boolean;
  /** Whether the cookie of the status page will do. */
  readonly takesCookie: boolean;
  /** The type that the body must have. Then the origin must not be foreign either, so that no other web page can send it. */
  readonly bodyType: string | null;
}

/** Who may use a route. All rules are here; `/mcp` itself has no other ones. */
export const accessRules = {
  /** Health, probes and metrics. */
  everyone: { guarded: 'never', takesAdminToken: false, takesCookie: false, bodyType: null },
  /** `/mcp`. */
  clients: { guarded: 'with_bearer_token', takesAdminToken: false, takesCookie: false, bodyType: null },
  /** What people read about the gateway. */
  readers: { guarded: 'with_bearer_token', takesAdminToken: true, takesCookie: true, bodyType: null },
  /** Who has a token, and wants the cookie of the status page. */
  entrants: { guarded: 'never', takesAdminToken: false, takesCookie: false, bodyType: formType },
  /** The reload. */
  operators: { guarded: 'with_bearer_token', takesAdminToken: true, takesCookie: false, bodyType: null },
  /** All else that changes something. */
  administrators: { guarded: 'always', takesAdminToken: true, takesCookie: false, bodyType: jsonType },
} as const satisfies Record<string, AccessRule>;

export type Access = keyof typeof accessRules;

/** Why a request may not use a route, as an HTTP status and a message. */
interface AccessProblem {
  readonly status: 403 | 415;
  readonly error: string;
}

/** A credential that a browser sends by itself. */
export interface CookieGuard {
  /** Whether a `Cookie` header holds it. Compares in constant time. */
  isValid(cookies: string | null): boolean;
}

/** The credentials of one gateway. */
interface GatewayCredentials {
  /** Null: clients need none. */
  readonly bearerToken: string | null;
  readonly adminToken: string;
  readonly cookie: CookieGuard;
}

/** Decides who may use which routes. */
export class AccessGuard {
  /** Null if clients need no token. */
  readonly #bearer: BearerGuard | null;
  readonly #admin: BearerGuard;
  readonly #cookie: CookieGuard;

  constructor({ bearerToken, adminToken, cookie }: GatewayCredentials) {
    this.#bearer = bearerToken === null ? null : new BearerGuard(bearerToken);
    this.#admin = new BearerGuard(adminToken);
    this.#cookie = cookie;
  }

  /** Whether clients need the bearer token. */
  get hasBearerToken(): boolean {
    return this.#bearer !== null;
  }

  /** Whether a route needs a credential. */
  isGuarded({ guarded }: AccessRule): boolean {
    return guarded === 'always' || (guarded === 'with_bearer_token' && this.#bearer !== null);
  }

  /** What is wrong with the credential of a request for a guarded route; null: nothing. */
  check(rule: AccessRule, headers: Headers): BearerProblem | null {
    const authorization = headers.get('authorization');
    const problem = (this.#bearer ?? this.#admin).check(authorization);
    if (problem === null) return null;
    if (rule.takesAdminToken && this.#admin.check(authorization) === null) return null;
    if (rule.takesCookie && this.#cookie.isValid(headers.get('cookie'))) return null;
    return problem;
  }

  /** What is wrong with the token that a person types; null: nothing. */
  checkToken(token: string): BearerProblem | null {
    return this.#bearer?.check(`Bearer ${token}`) ?? null;
  }

  /** What is wrong with a request, whoever sends it; null: nothing. */
  formProblem(rule: AccessRule, { method, headers }: Request): AccessProblem | null {
    if (rule.bodyType === null || method === 'GET' || method === 'HEAD') return null;
    const origin = headers.get('origin');
    const host = headers.get('host') ?? '';
    // A proxy may serve https in front of the gateway.
    if (origin !== null && origin.replace(/^https?:\/\//i, '').toLowerCase() !== host.toLowerCase())
      return {
        status: 403,
        error: 'a page of another origin may not do this; the Origin must be that of the Host',
      };
    if (mediaType(headers.get('content-type')) !== rule.bodyType)
      return { status: 415, error: `the content type must be ${rule.bodyType}` };
    return null;
  }
}
