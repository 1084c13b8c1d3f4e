import { nodeNet } from '../runtime/node-modules.ts';

/** A host name as it is compared: in lower case, without brackets and without a closing dot. */
export function normalizeHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

/** A host name or address as it stands in a URL: IPv6 addresses need brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Whether a host is an IP address, without the brackets that URLs have around it. */
export function isAddress(host: string): boolean {
  return ipv4.test(host) || (host.includes(':') && nodeNet().isIPv6(host));
}

/** Whether a host name means this machine: `localhost`, 127.0.0.0/8 or ::1. */
export function isLoopback(host: string): boolean {
  const name = normalizeHost(host);
  return (
    name === 'localhost' ||
    name === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(name) ||
    name.startsWith('::ffff:127.') ||
    // The same as a URL has it.
    /^::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}$/.test(name)
  );
}
