import { serverNameExpected } from '../config/rules.ts';
import { secretSpans } from './secret-spans.ts';

/** The name that a client has for a server, for people: not too long, and none that is a key or token in the wrong place. */
export function shownName(key: string): string {
  if (secretSpans(null, key).length > 0) return '…';
  return key.length > 40 ? `${key.slice(0, 39)}…` : key;
}

/** The valid name of a server that is nearest to the name that a client has for it. */
export function validName(key: string): string {
  if (secretSpans(null, key).length > 0) return 'server';
  const name = key
    .replace(/^@/, '')
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/_{2,}/g, '_')
    .replace(/^[^A-Za-z0-9]+|[_-]+$/g, '')
    .slice(0, 40)
    .replace(/_+$/, '');
  return serverNameExpected(name) === null ? name : 'server';
}

/** The first that is not taken of the name, the name with the client, and the name with a number. */
export function freeName(name: string, client: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(name)) return name;
  if (!isTaken(`${name}-${client}`)) return `${name}-${client}`;
  for (let number = 2; ; number++) if (!isTaken(`${name}-${number}`)) return `${name}-${number}`;
}
