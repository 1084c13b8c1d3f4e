import type { CookieGuard } from '../access.ts';

/** How long a browser stays signed in. */
export const sessionSeconds = 12 * 3600;
const maxSessions = 100;
/** The cookies of a request that are looked at. */
const maxCookies = 100;

/** The cookies of gateways on one host go to all of its ports, so each port has a name of its own. */
export function cookieName(port: number): string {
  return `mcpstead_${port}`;
}

/**
 * The browsers that are signed in to the status page. A cookie is a random value, never the token. It ends after a time, when the
 * token changes, and with the process.
 */
export class PageSessions implements CookieGuard {
  /** When each session ends, by the hash of its cookie; the oldest first. */
  readonly #endsMs = new Map<string, number>();
  readonly #port: () => number;
  readonly #nowMs: () => number;
  #token: string | null = null;

  constructor(port: () => number, nowMs = () => performance.now()) {
    this.#port = port;
    this.#nowMs = nowMs;
  }

  /** Sets the token that browsers sign in with. Another one than before ends all sessions. */
  useToken(token: string | null): void {
    if (token !== this.#token) this.#endsMs.clear();
    this.#token = token;
  }

  /** Begins a session, and ends the oldest one if there are too many. Returns the value of its cookie. */
  open(): string {
    const value = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
    const [oldest] = this.#endsMs.keys();
    if (oldest !== undefined && this.#endsMs.size >= maxSessions) this.#endsMs.delete(oldest);
    this.#endsMs.set(hashOf(value), this.#nowMs() + sessionSeconds * 1000);
    return value;
  }

  /** Ends the sessions that a `Cookie` header holds. */
  end(cookies: string | null): void {
    for (const value of this.#valuesIn(cookies)) this.#endsMs.delete(hashOf(value));
  }

  isValid(cookies: string | null): boolean {
    if (this.#endsMs.size === 0) return false;
    for (const value of this.#valuesIn(cookies)) {
      // Whoever measures the time of the look-up learns of a hash, which says nothing of the value.
      const hash = hashOf(value);
      const endMs = this.#endsMs.get(hash);
      if (endMs === undefined) continue;
      if (this.#nowMs() < endMs) return true;
      this.#endsMs.delete(hash);
    }
    return false;
  }

  /** RFC 6265, 4.2.1. */
  #valuesIn(cookies: string | null): string[] {
    if (cookies === null) return [];
    const name = `${cookieName(this.#port())}=`;
    return cookies
      .split(';', maxCookies)
      .map((cookie) => cookie.trim())
      .filter((cookie) => cookie.startsWith(name))
      .map((cookie) => cookie.slice(name.length));
  }
}

function hashOf(value: string): string {
  return new Bun.CryptoHasher('sha256').update(value).digest('base64url');
}
