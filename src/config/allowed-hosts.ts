import type { BlockList } from 'node:net';
import { nodeNet } from '../runtime/node-modules.ts';
import { isAddress, normalizeHost } from './hosts.ts';
import { isHost } from './rules.ts';

/** The longest host name. RFC 1035, 3.1. */
const maxHostChars = 253;

/** The hosts that `mcp.allowed_hosts` allows: names, addresses, ranges of addresses, and all names below a domain. */
export class HostSet {
  readonly #names: ReadonlySet<string>;
  readonly #networks: readonly string[];
  /** The addresses and ranges, built for the first address that is looked up. */
  #addresses: BlockList | null = null;

  /** @param entries valid ones, see `allowedHostExpected` */
  constructor(entries: readonly string[]) {
    const hosts = entries.map(normalizeHost);
    this.#names = new Set(hosts);
    this.#networks = hosts.filter((host) => isAddress(host) || host.includes('/'));
  }

  /** @param host normalized */
  has(host: string): boolean {
    if (host.length > maxHostChars) return false;
    if (this.#names.has(host)) return true;
    if (isAddress(host)) {
      if (this.#networks.length === 0) return false;
      this.#addresses ??= blockListOf(this.#networks);
      return this.#addresses.check(host, familyOf(host));
    }
    for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
      if (this.#names.has(`*${host.slice(dot)}`)) return true;
    }
    return false;
  }
}

/**
 * Checks an entry of `mcp.allowed_hosts`: a host name or IP address, a range in CIDR notation (RFC 4632, 3.1), or `*.domain`.
 * Returns what was expected instead, or null if the entry is valid.
 */
export function allowedHostExpected(text: string): string | null {
  const name = text.startsWith('*.') ? text.slice(2) : text;
  if (isHost(name) && (name === text || !isAddress(name))) return null;
  const [, address = '', prefix = ''] = /^([\d.]+|[\da-f:.]*:[\da-f:.]*)\/(.*)$/i.exec(text) ?? [];
  if (isAddress(address)) return rangeExpected(address, prefix);
  const numbers = /^((?:\d{1,3}\.){1,3})(?:\*\.){0,2}\*$/.exec(text)?.[1]?.split('.').slice(0, -1);
  if (numbers) {
    const first = [...numbers, '0', '0', '0'].slice(0, 4).join('.');
    return `a range as address and prefix length: ${first}/${8 * numbers.length}`;
  }
  const host = hostAlone(text);
  if (host !== text && allowedHostExpected(host) === null) {
    return `a host without scheme, port, path and brackets: ${host}`;
  }
  if (text === '*') return 'names or ranges of hosts; "*" would let every web page in';
  if (text.startsWith('.') && isHost(text.slice(1))) return `"*${text}" for all names below a domain`;
  if (text.includes('*')) return '"*." at the beginning only, for all names below a domain';
  return 'a host name, an IP address, a range such as 10.0.0.0/8, or "*.example.com"';
}

/** The host in a URL or in a text that looks like part of one. */
function hostAlone(text: string): string {
  const url = /^(?:[a-z][a-z\d+.-]*:\/\/)?(?:[^@/]*@)?(\[[\da-f:.]+\]|[^:/?#[\]]+)(?::\d*)?(?:[/?#].*)?$/i;
  return url.exec(text)?.[1]?.replace(/^\[|\]$/g, '') ?? text;
}

function rangeExpected(address: string, prefix: string): string | null {
  const bits = address.includes(':') ? 128 : 32;
  const length = Number(prefix);
  if (!/^\d{1,3}$/.test(prefix) || length > bits) return `a prefix length from 0 to ${bits} after "/"`;
  const first = firstOfRange(address, length);
  return blockListOf([first]).check(address, familyOf(address))
    ? null
    : `the first address of the range: ${first}/${length}`;
}

/** The address with all bits after the prefix cleared, written as in URLs. */
function firstOfRange(address: string, length: number): string {
  const isV6 = address.includes(':');
  const groups = isV6 ? groupsOf(address) : address.split('.').map(Number);
  const groupBits = isV6 ? 16 : 8;
  const cleared = groups.map((group, index) => {
    const kept = Math.min(groupBits, Math.max(0, length - index * groupBits));
    return group & ~((1 << (groupBits - kept)) - 1);
  });
  if (!isV6) return cleared.join('.');
  return inUrl(cleared.map((group) => group.toString(16)).join(':'));
}

/** An IPv6 address as URLs write it: in lower case, shortened, without a dotted part. */
const inUrl = (address: string) => new URL(`http://[${address}]/`).hostname.slice(1, -1);

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [before = [], after] = inUrl(address)
    .split('::')
    .map((half) => half.split(':').flatMap((group) => (group === '' ? [] : Number.parseInt(group, 16))));
  if (after === undefined) return before;
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');

function blockListOf(networks: readonly string[]): BlockList {
  const list = new (nodeNet().BlockList)();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return list;
}
