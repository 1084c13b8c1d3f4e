/** RFC 6265, 6.1 requires at least these; the oldest cookies are dropped beyond them. */
const maxCookies = 50;
const maxCookieBytes = 4_096;
const maxBytes = 16 * 1024;

/** Invalid in names and values: control characters and invalid UTF-8. */
const invalid = /[\p{Cc}\ufffd]/u;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
  /** By Date.now(). */
  readonly untilMs: number;
}

/**
 * Cookies for one origin (RFC 6265), such as those of a load balancer with sticky sessions. Their values are secrets.
 */
export class CookieJar {
  readonly #configured: string;
  readonly #configuredNames: ReadonlySet<string>;
  #cookies: Cookie[] = [];
  /** The last header value, the URL that it is for, and its expiry. */
  #text = '';
  #url = '';
  #untilMs = 0;

  /** @param configured a `Cookie` header that is always sent; its cookies are never replaced */
  constructor(configured = '') {
    this.#configured = configured;
    this.#configuredNames = new Set(configured.split(';').map((pair) => splitPair(pair)[0]));
  }

  /** The values, which must not be shown. */
  get values(): string[] {
    return this.#cookies.map(({ value }) => value);
  }

  /** Stores the `Set-Cookie` fields (in Latin-1) of a response from `url`. */
  take(fields: readonly string[], url: string, nowMs = Date.now()): void {
    for (const field of fields) {
      const cookie = parseCookie(field, new URL(url), nowMs);
      if (cookie === null || this.#configuredNames.has(cookie.name)) continue;
      const at = this.#cookies.findIndex(({ name, path }) => name === cookie.name && path === cookie.path);
      if (at < 0) this.#cookies.push(cookie);
      else this.#cookies[at] = cookie;
    }
    this.#cookies = this.#cookies.filter(({ untilMs }) => untilMs > nowMs);
    while (this.#cookies.length > maxCookies || this.#bytes() > maxBytes) this.#cookies.shift();
    this.#untilMs = 0;
  }

  /** The value of `Cookie` for a request to `url`; empty for none. */
  header(url: string, nowMs?: number): string {
    return this.#cookies.length === 0 ? this.#configured : this.#textFor(url, nowMs ?? Date.now());
  }

  #textFor(url: string, nowMs: number): string {
    if (url === this.#url && nowMs < this.#untilMs) return this.#text;
    const { protocol, pathname } = new URL(url);
    const live = this.#cookies.filter(({ untilMs }) => untilMs > nowMs);
    const pairs = live
      .filter(({ path, secure }) => (!secure || protocol === 'https:') && isBelow(pathname, path))
      // RFC 6265, 5.4: longer paths first.
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`);
    this.#cookies = live;
    this.#text = [this.#configured, ...pairs].filter(Boolean).join('; ');
    this.#url = url;
    this.#untilMs = Math.min(...live.map(({ untilMs }) => untilMs));
    return this.#text;
  }

  #bytes(): number {
    return this.#cookies.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  }
}

/** RFC 6265, 5.2 and 5.3. Null if it must be ignored. An expired one deletes the cookie of its name. */
function parseCookie(field: string, url: URL, nowMs: number): Cookie | null {
  const [pair = '', ...attributes] = Buffer.from(field, 'latin1').toString().split(';');
  const [name, value] = splitPair(pair);
  if (name === '' || !pair.includes('=') || invalid.test(pair) || pair.length > maxCookieBytes) return null;
  let secure = false;
  let path = '';
  let domain = '';
  let expiresMs = Number.POSITIVE_INFINITY;
  let maxAgeMs: number | null = null;
  for (const attribute of attributes) {
    const [key, given] = splitPair(attribute);
    switch (key.toLowerCase()) {
      case 'secure':
        secure = true;
        break;
      case 'path':
        path = given;
        break;
      case 'domain':
        domain = given.toLowerCase().replace(/^\./, '');
        break;
      case 'max-age':
        if (/^-?\d+$/.test(given)) maxAgeMs = Number(given) * 1000;
        break;
      case 'expires':
        expiresMs = dateMs(given) ?? expiresMs;
    }
  }
  if (domain !== '' && url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) return null;
  if (!path.startsWith('/') || invalid.test(path)) path = defaultPath(url);
  return { name, value, path, secure, untilMs: maxAgeMs === null ? expiresMs : nowMs + maxAgeMs };
}

/** The trimmed parts before and after the first `=`. */
function splitPair(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Parses a date, possibly with dashes and a year of two digits (1970 to 2069). Null if it is invalid. */
function dateMs(text: string): number | null {
  const date = text.replace(/(\d{1,2})[ -]([a-z]{3})[ -](\d{2}|\d{4})(?!\d)/i, (_, day, month, year) => {
    const full = year.length === 4 ? year : `${Number(year) < 70 ? 20 : 19}${year}`;
    return `${day} ${month} ${full}`;
  });
  const ms = Date.parse(date);
  return Number.isNaN(ms) ? null : ms;
}

/** RFC 6265, 5.1.4: the directory of the URL that set the cookie. */
function defaultPath({ pathname }: URL): string {
  return pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')));
}

/** RFC 6265, 5.1.4: whether `pathname` is `path` or below it. */
function isBelow(pathname: string, path: string): boolean {
  if (!pathname.startsWith(path)) return false;
  return pathname.length === path.length || path.endsWith('/') || pathname[path.length] === '/';
}
