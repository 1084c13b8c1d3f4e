import { hostInUrl } from '../config/hosts.ts';
import { HttpFailure } from './http-failure.ts';

/** The peer of a connection. */
export interface Peer {
  readonly hostname: string;
  readonly port: number;
  /** The environment variable that names the proxy; null if the peer is none. */
  readonly proxyVariable: string | null;
}

/** The name of a peer for messages, without credentials. */
export function nameOf({ hostname, port, proxyVariable }: Peer): string {
  const address = `${hostInUrl(hostname)}:${port}`;
  return proxyVariable === null ? address : `the proxy ${address} (${proxyVariable})`;
}

/** The failure of a connection that was not established in time. */
export function connectTimeout(timeoutMs: number, peer: Peer): HttpFailure {
  return new HttpFailure('refused', `cannot connect within ${timeoutMs / 1000} s to ${nameOf(peer)}`);
}

/** The failure of a connection that was closed before it could be used. */
export function closedTooSoon(peer: Peer): HttpFailure {
  return new HttpFailure('refused', `connection closed by ${nameOf(peer)} before it could be used`);
}

/** Codes of OpenSSL and Bun for a failed TLS handshake. */
const tlsCode = /CERT|SSL|TLS|^EPROTO$|^UNABLE_TO_|^DEPTH_ZERO|^HOSTNAME_MISMATCH/;

/** The failure to establish a connection, with advice where possible; nothing was sent. */
export function connectFailure(error: unknown, peer: Peer): HttpFailure {
  if (error instanceof HttpFailure) return error;
  return new HttpFailure('refused', explain(error, peer));
}

function explain(error: unknown, peer: Peer): string {
  const { code: given, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  const code = /^[A-Za-z0-9_]{1,60}$/.test(String(given ?? '')) ? String(given) : '';
  const name = nameOf(peer);
  switch (code) {
    case 'ECONNREFUSED':
      return `connection refused by ${name}; is the ${peer.proxyVariable === null ? 'server' : 'proxy'} running?`;
    case 'ENOTFOUND':
      return `host name not found: ${name}; check the ${peer.proxyVariable === null ? 'url' : 'variable'}`;
    case 'EAI_AGAIN':
      return `host name not found: ${name} (EAI_AGAIN: no name server answers)`;
    case 'ECONNRESET':
    case 'EPIPE':
      return closedTooSoon(peer).message;
  }
  if (!tlsCode.test(code)) return `cannot connect to ${name}${code === '' ? '' : ` (${code})`}`;
  // OpenSSL's name of the problem is the last part of its message.
  const reason = code === 'EPROTO' ? (/:([A-Z0-9_]+)\s*$/.exec(message)?.[1] ?? code) : code;
  const why = explainTls(reason, name);
  return `TLS handshake failed (${reason})${why === '' ? '' : `: ${why}`}`;
}

function explainTls(reason: string, name: string): string {
  const certificate = `the certificate of ${name}`;
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE/.test(reason))
    return `${name} does not speak TLS; should its URL begin with http://?`;
  if (/ALTNAME_INVALID|HOSTNAME_MISMATCH/.test(reason))
    return `${certificate} is for other names; the URL must use one of those`;
  if (/HAS_EXPIRED/.test(reason)) return `${certificate} has expired`;
  if (/NOT_YET_VALID/.test(reason)) return `${certificate} is not valid yet; is the clock right?`;
  if (/SELF_SIGNED_CERT$/.test(reason))
    return `${certificate} is self-signed; NODE_EXTRA_CA_CERTS=FILE makes it trusted`;
  if (/^UNABLE_TO_|SELF_SIGNED_CERT_IN_CHAIN|CERT_UNTRUSTED/.test(reason))
    return `nobody who is trusted here vouches for ${certificate}; NODE_EXTRA_CA_CERTS=FILE adds an authority`;
  if (/ALERT.*(CERTIFICATE|UNKNOWN_CA)/.test(reason)) return `${name} wants a certificate of its clients`;
  return '';
}

/** The message for a proxy that answered with an error of its own instead of forwarding to `target`. */
export function proxyRefusal(status: number, proxy: Peer, target: string): string {
  const answered = `${nameOf(proxy)} answered HTTP ${status}`;
  if (status === 407)
    return `${answered}: it wants a user name and password (${proxy.proxyVariable}=http://USER:PASSWORD@…)`;
  if (status === 401 || status === 403) return `${answered}: it does not allow connections to ${target}`;
  if (status >= 500) return `${answered}: it cannot reach ${target}`;
  return answered;
}
