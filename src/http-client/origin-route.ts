import { isLoopback, normalizeHost } from '../config/hosts.ts';
import { displayUrl } from '../observability/redact.ts';
import { nodeNet } from '../runtime/node-modules.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How an origin is reached. */
export interface Route {
  /** Where the connection goes: the origin, or the proxy. Without brackets around an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** Set where that connection is encrypted. */
  readonly tls: { readonly verify: boolean } | null;
  /** The way on, where the connection goes to a proxy that has to make a tunnel. */
  readonly tunnel: Tunnel | null;
  /** Set where the connection goes to a proxy: the variable of the environment that names it. */
  readonly proxyOf: string | null;
}

/** The far end of a tunnel, which is always encrypted. */
export interface Tunnel {
  readonly hostname: string;
  readonly port: number;
  readonly verify: boolean;
  /** For the proxy, as `Proxy-Authorization`; null: none. */
  readonly authorization: string | null;
}

/** How requests to an origin travel. */
export interface Way {
  readonly route: Route;
  /**
   * Set where a proxy passes each request on, which then names the whole URL (RFC 9112, 3.2.2): the value of
   * `Proxy-Authorization`, or an empty string.
   */
  readonly forwarding: string | null;
  /** Why it cannot be used, for the user; null: it can. */
  readonly problem: string | null;
}

/** A proxy as the environment has it. */
interface Proxy {
  readonly url: URL;
  /** The variable that names it. */
  readonly variable: string;
}

/**
 * The way to the origin of `url`: direct, or through the proxy that the environment names in `HTTP_PROXY`,
 * `HTTPS_PROXY` or `ALL_PROXY` (the lower case form wins), unless `NO_PROXY` or the loopback interface makes an exception.
 * What the environment names and is no HTTP proxy is a problem: who names one does not want connections past it.
 */
export function wayTo(url: URL, skipVerify: boolean, env: Environment): Way {
  const hostname = bare(url.hostname);
  const secure = url.protocol === 'https:';
  const port = portOf(url);
  const tls = secure ? { verify: !skipVerify } : null;
  const proxy = proxyFor(url, env);
  const direct = { route: { hostname, port, tls, tunnel: null, proxyOf: null }, forwarding: null };
  if (proxy === null) return { ...direct, problem: null };
  if (typeof proxy === 'string') return { ...direct, problem: proxy };

  const proxyHost = bare(proxy.url.hostname);
  const authorization = proxyAuthorization(proxy.url);
  const route: Route = {
    hostname: proxyHost,
    port: portOf(proxy.url),
    tls: proxy.url.protocol === 'https:' ? { verify: true } : null,
    tunnel: tls && { hostname, port, ...tls, authorization },
    proxyOf: proxy.variable,
  };
  return { route, forwarding: secure ? null : (authorization ?? ''), problem: null };
}

/** The proxy for a URL; null: none; a text: what is named cannot be used as one. */
function proxyFor(url: URL, env: Environment): Proxy | string | null {
  // HTTP_PROXY is meant for the world outside.
  if (isLoopback(bare(url.hostname)) || isException(url, env.no_proxy || env.NO_PROXY)) return null;
  const particular =
    url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const variable = [...particular, 'all_proxy', 'ALL_PROXY'].find((name) => env[name]);
  const value = variable === undefined ? undefined : env[variable];
  if (variable === undefined || !value) return null;
  const proxy = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (proxy !== null && /^https?:$/.test(proxy.protocol)) return { url: proxy, variable };
  const found = proxy === null ? 'is no URL' : `names a proxy that is not supported, ${displayUrl(value)}`;
  return `${variable} ${found}; expected http://HOST:PORT, or NO_PROXY=${bare(url.hostname)} to go past it`;
}

/** `NO_PROXY`: `*`, or a list of addresses, networks, and host names with all names below them, with a port or without. */
function isException(url: URL, list: string | undefined): boolean {
  const host = normalizeHost(url.hostname);
  return (list ?? '').split(/[,\s]+/).some((item) => {
    if (item === '*') return true;
    if (item.includes('/')) return isInNetwork(host, item);
    const [, pattern = '', port] = /^(\[.*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(item) ?? [];
    if (port !== undefined && Number(port) !== portOf(url)) return false;
    const name = normalizeHost(pattern).replace(/^\*?\./, '');
    return name !== '' && (host === name || (nodeNet().isIP(host) === 0 && host.endsWith(`.${name}`)));
  });
}

function isInNetwork(host: string, network: string): boolean {
  const { BlockList, isIP } = nodeNet();
  const [address = '', bits = ''] = network.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0 || isIP(host) !== isIP(address) || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 'ipv6' ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}

function proxyAuthorization({ username, password }: URL): string | null {
  if (username === '' && password === '') return null;
  const pair = `${unescaped(username)}:${unescaped(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** What is escaped wrongly was not meant to be. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/** Without the brackets that a URL puts around an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
