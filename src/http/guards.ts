import { HostSet } from '../config/allowed-hosts.ts';
import { isAddress, isLoopback, normalizeHost } from '../config/hosts.ts';

/** The host name in a `Host` header, or null if it is malformed. RFC 9110, 7.2. */
function hostOf(header: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header);
  return match ? normalizeHost(match[1] as string) : null;
}

/** The host name in an `Origin` header, or null if it has none. RFC 6454, 7. */
function originHost(header: string): string | null {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@\s]+)$/i.exec(header);
  return match ? hostOf(match[1] as string) : null;
}

/**
 * Protects the gateway from foreign web pages (DNS rebinding). A browser sends the name that it connects to as `Host`, and
 * the page's origin as `Origin`. MCP 2025-11-25, Transports, Security Warning.
 */
export class HostGuard {
  readonly #allowed: HostSet;
  readonly #checksHost: boolean;
  readonly #allowsAddresses: boolean;
  /** The headers allowed last; nearly all requests have the same. */
  #lastHost: string | null = null;
  #lastOrigin: string | null = null;

  /** @param host the address that the gateway listens on */
  constructor(host: string, allowedHosts: readonly string[]) {
    this.#allowed = new HostSet([host, ...allowedHosts]);
    // Beyond loopback the gateway may have names that it does not know, so it checks `Host` only if names are configured.
    // A rebound page sends a name, never an address; probes and scrapers send an address.
    const onLoopback = isLoopback(host);
    this.#checksHost = onLoopback || allowedHosts.length > 0;
    this.#allowsAddresses = !onLoopback;
  }

  /** Describes the problem with the headers, or returns null. */
  check(host: string | null, origin: string | null): string | null {
    if (this.#checksHost && (host === null || host !== this.#lastHost)) {
      const name = host === null ? null : hostOf(host);
      const isFine = name !== null && ((this.#allowsAddresses && isAddress(name)) || this.#allows(name));
      if (!isFine) return refusal('Host', host, name);
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

/** Longer headers are truncated in errors. */
const maxShownChars = 100;

/** Quotes the host in the header, or the whole header if it has none. */
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

/** What to send if the gateway has a bearer token, and if not. */
export const bearerHint =
  'send "Authorization: Bearer TOKEN" with the value of MCPSTEAD_BEARER_TOKEN as TOKEN';
export const adminHint =
  'send "Authorization: Bearer TOKEN" with the token in the file gateways/PORT.json of the state directory as TOKEN';
const challenge = 'Bearer realm="mcpstead"';

/** The challenge (RFC 6750, 3) and error for each problem. Errors do not quote the client; a hint follows. */
export const bearerProblems: Readonly<Record<BearerProblem, { challenge: string; error: string }>> = {
  missing_header: { challenge, error: 'a bearer token is required' },
  bad_format: { challenge, error: 'the Authorization header contains no bearer token' },
  wrong_token: {
    challenge: `${challenge}, error="invalid_token"`,
    error: "this bearer token is not the gateway's",
  },
};

const bearer = /^bearer +(\S+)$/i;

/** Checks `Authorization: Bearer TOKEN` (RFC 6750, 2.1) in constant time. */
export class BearerGuard {
  /** The header in its usual form. */
  readonly #header: string;
  readonly #expected: Buffer;
  /** Holds the start of the client's header. One buffer per request would cost more than the comparison. */
  readonly #given: Buffer;

  constructor(token: string) {
    this.#header = headerOf(token);
    this.#expected = Buffer.from(this.#header);
    this.#given = Buffer.alloc(this.#expected.length);
  }

  check(authorization: string | null): BearerProblem | null {
    if (authorization === null || authorization === '') return 'missing_header';
    if (this.#isExpected(authorization)) return null;
    const token = bearer.exec(authorization)?.[1];
    if (token === undefined) return 'bad_format';
    return this.#isExpected(headerOf(token)) ? null : 'wrong_token';
  }

  #isExpected(header: string): boolean {
    const written = this.#given.write(header);
    const isEqual = crypto.timingSafeEqual(this.#given, this.#expected);
    // A shorter header leaves old bytes in the buffer, and a longer one does not fit.
    const isWhole = written === this.#expected.length && header.length === this.#header.length;
    return isWhole && isEqual;
  }
}

function headerOf(token: string): string {
  return `Bearer ${token}`;
}
