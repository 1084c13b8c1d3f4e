import { isLoopback, normalizeHost } from '../config/hosts.ts';
import { displayUrl } from '../observability/redact.ts';
import type { Environment } from '../runtime/environment.ts';
import { nodeNet } from '../runtime/node-modules.ts';

/** The target of a connection: the origin or a proxy. */
export interface ConnectTarget {
  /** Without brackets around an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** Null for a connection without TLS. */
  readonly tls: { readonly verify: boolean } | null;
  /** The tunnel to request from a proxy, or null. */
  readonly tunnel: Tunnel | null;
  /** The environment variable that names the proxy; null for the origin itself. */
  readonly proxyVariable: string | null;
}

/** The far end of a tunnel, always with TLS. */
export interface Tunnel {
  readonly hostname: string;
  readonly port: number;
  readonly verify: boolean;
  /** The `Proxy-Authorization` for the proxy, or null. */
  readonly authorization: string | null;
}

/** The route of requests to an origin. */
export interface OriginRoute {
  readonly target: ConnectTarget;
  /**
   * Set if a proxy forwards each request, which then has the whole URL as its target (RFC 9112, 3.2.2): the value of
   * `Proxy-Authorization`, or an empty string.
   */
  readonly forwarding: string | null;
  /** Why the route cannot be used, for the user; null if it can. */
  readonly problem: string | null;
}

/** A proxy of the environment, and the variable that names it. */
interface Proxy {
  readonly url: URL;
  readonly variable: string;
}

/**
 * The route to the origin of `url`: direct, or through the proxy in `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY` (lower
 * case wins). Loopback hosts and those in `NO_PROXY` are reached directly. An unsupported proxy is a problem, never a
 * direct connection: who configures a proxy does not want connections past it.
 */
export function routeTo(url: URL, skipVerify: boolean, env: Environment): OriginRoute {
  const hostname = bare(url.hostname);
  const secure = url.protocol === 'https:';
  const port = portOf(url);
  const tls = secure ? { verify: !skipVerify } : null;
  const proxy = proxyFor(url, env);
  const direct = { target: { hostname, port, tls, tunnel: null, proxyVariable: null }, forwarding: null };
  if (proxy === null) return { ...direct, problem: null };
  if (typeof proxy === 'string') return { ...direct, problem: proxy };

  const proxyHost = bare(proxy.url.hostname);
  const authorization = proxyAuthorization(proxy.url);
  const target: ConnectTarget = {
    hostname: proxyHost,
    port: portOf(proxy.url),
    tls: proxy.url.protocol === 'https:' ? { verify: true } : null,
    tunnel: tls && { hostname, port, ...tls, authorization },
    proxyVariable: proxy.variable,
  };
  return { target, forwarding: secure ? null : (authorization ?? ''), problem: null };
}

/** The proxy for a URL, null for none, or the problem with the configured one. */
function proxyFor(url: URL, env: Environment): Proxy | string | null {
  // HTTP_PROXY is meant for other hosts.
  if (isLoopback(bare(url.hostname)) || isException(url, env.no_proxy || env.NO_PROXY)) return null;
  const variables = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const variable = [...variables, 'all_proxy', 'ALL_PROXY'].find((name) => env[name]);
  const value = variable === undefined ? undefined : env[variable];
  if (variable === undefined || !value) return null;
  const proxy = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (proxy !== null && /^https?:$/.test(proxy.protocol)) return { url: proxy, variable };
  const found = proxy === null ? 'is no URL' : `names a proxy that is not supported, ${displayUrl(value)}`;
  return `${variable} ${found}; expected http://HOST:PORT, or NO_PROXY=${bare(url.hostname)} to go past it`;
}

/** Whether `NO_PROXY` lists the URL: `*`, addresses, networks, and host names with their subdomains, each with an optional port. */
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

/** Text with an invalid escape is literal. */
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

/** Removes the brackets that a URL puts around an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
