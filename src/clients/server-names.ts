import { serverNameExpected } from '../config/rules.ts';

/** The valid name of a server that is nearest to the name that a client has for it. */
export function validName(key: string): string {
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
