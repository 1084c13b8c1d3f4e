import { HostSet } from '../config/allowed-hosts.ts';
import { isAddress, isLoopback, normalizeHost } from '../config/hosts.ts';

/** The host name in a `Host` header, or null where it is none. RFC 9110, 7.2. */
function hostOf(header: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header);
  return match ? normalizeHost(match[1] as string) : null;
}

/** The host name in an `Origin` header, or null where it has none (`null`, or nonsense). RFC 6454, 7. */
function originHost(header: string): string | null {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@\s]+)$/i.exec(header);
  return match ? hostOf(match[1] as string) : null;
}

/** The settings that decide who may ask. */
interface HostRules {
  /** The configured `host`. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
}

/**
 * Keeps web pages of others away from the gateway (DNS rebinding): a browser tells by `Host` and `Origin` whom it
 * believes to talk to, and on whose behalf. MCP 2025-11-25, Transports, Security Warning.
 */
export class HostGuard {
  readonly #allowed: HostSet;
  readonly #checksHost: boolean;
  readonly #takesAddresses: boolean;
  /** The last `Host` and `Origin` headers that were allowed: nearly all requests have the same. */
  #lastHost: string | null = null;
  #lastOrigin: string | null = null;

  constructor({ host, allowedHosts }: HostRules) {
    this.#allowed = new HostSet([host, ...allowedHosts]);
    // Beyond loopback the gateway may have names that it does not know, so `Host` is checked only on demand. A page
    // under a name that was rebound sends that name, never an address; probes and scrapers send an address.
    const onLoopback = isLoopback(host);
    this.#checksHost = onLoopback || allowedHosts.length > 0;
    this.#takesAddresses = !onLoopback;
  }

  /** What is wrong with the request's headers, or null. */
  problem(host: string | null, origin: string | null): string | null {
    if (this.#checksHost && (host === null || host !== this.#lastHost)) {
      const name = host === null ? null : hostOf(host);
      const fine = name !== null && ((this.#takesAddresses && isAddress(name)) || this.#allows(name));
      if (!fine) return refusal('Host', host, name);
      this.#lastHost = host;
    }
    if (origin !== null && origin !== this.#lastOrigin) {
      const name = originHost(origin);
      if (name === null || !this.#allows(name)) return refusal('Origin', origin, name);
      this.#lastOrigin = origin;
    }
    return null;
  }

  #allows(host: string): boolean {
    return isLoopback(host) || this.#allowed.has(host);
  }
}

/** As much of a header as a refusal repeats. */
const maxShownChars = 100;

/** Says what was found: the host in a header, or, where it has none, the header. */
function refusal(header: string, value: string | null, host: string | null): string {
  if (value === null) return `the request has no ${header} header`;
  const shown = printable(host ?? value);
  return host === null
    ? `the ${header} header "${shown}" names no host`
    : `the host "${shown}" of the ${header} header is not allowed here; add it to mcp.allowed_hosts`;
}

function printable(text: string): string {
  const safe = text.replace(/[^\x20-\x7e]/g, '?');
  return safe.length > maxShownChars ? `${safe.slice(0, maxShownChars - 3)}...` : safe;
}

export type BearerProblem = 'missing_header' | 'bad_format' | 'wrong_token';

const whatToSend = 'send "Authorization: Bearer TOKEN" with the value of MCPSTEAD_BEARER_TOKEN as TOKEN';
const challenge = 'Bearer realm="mcpstead"';

/** What the client is told: the challenge of RFC 6750, 3, and in words. What it sent is not repeated. */
export const bearerProblems: Readonly<Record<BearerProblem, { challenge: string; error: string }>> = {
  missing_header: { challenge, error: `a bearer token is needed: ${whatToSend}` },
  bad_format: { challenge, error: `the Authorization header holds no bearer token: ${whatToSend}` },
  wrong_token: {
    challenge: `${challenge}, error="invalid_token"`,
    error: `this bearer token is not the gateway's: ${whatToSend}`,
  },
};

const bearer = /^bearer +(\S+)$/i;

/** Checks `Authorization: Bearer TOKEN` (RFC 6750, 2.1) in a time that does not depend on our token. */
export class BearerGuard {
  /** The header as nearly everyone writes it, and its bytes. */
  readonly #header: string;
  readonly #expected: Buffer;
  /** Takes the client's header, as much as there is room for: a buffer for each request would cost more than the rest. */
  readonly #given: Buffer;

  constructor(token: string) {
    this.#header = headerOf(token);
    this.#expected = Buffer.from(this.#header);
    this.#given = Buffer.alloc(this.#expected.length);
  }

  problem(authorization: string | null): BearerProblem | null {
    if (authorization === null || authorization === '') return 'missing_header';
    if (this.#isExpected(authorization)) return null;
    const token = bearer.exec(authorization)?.[1];
    if (token === undefined) return 'bad_format';
    return this.#isExpected(headerOf(token)) ? null : 'wrong_token';
  }

  #isExpected(header: string): boolean {
    const written = this.#given.write(header);
    const isEqual = crypto.timingSafeEqual(this.#given, this.#expected);
    // Of a shorter header, what was there before is compared, too; of a longer one, only the beginning.
    const isWhole = written === this.#expected.length && header.length === this.#header.length;
    return isWhole && isEqual;
  }
}

function headerOf(token: string): string {
  return `Bearer ${token}`;
}
