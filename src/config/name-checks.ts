import type { YamlFile } from './document.ts';
import { dotted, type Problem, quote } from './problems.ts';
import type { Span } from './source.ts';
import { didYouMean } from './suggest.ts';
import { isRecord, type Mapping, type Path } from './values.ts';

/**
 * Checks the names in profiles: their own, which they share with servers, and those of their servers.
 * @param profiles may violate the schema
 * @param servers the names of all servers, with their places
 */
export function profileProblems(
  profiles: unknown,
  servers: ReadonlyMap<string, Span>,
  file: YamlFile,
): Problem[] {
  const taken = new Map([...servers].map(([name, span]) => [name, { span, owner: 'server' }]));
  return listOf(profiles).flatMap((item, index) => {
    if (!isRecord(item)) return [];
    const path: Path = ['profiles', index];
    const problems = serverProblems(item, [...path, 'servers'], servers, file);
    if (typeof item.name !== 'string') return problems;
    const span = file.spanOf([...path, 'name']);
    const first = taken.get(item.name);
    if (first === undefined) taken.set(item.name, { span, owner: 'profile' });
    else
      problems.unshift({
        span,
        message: `${dotted([...path, 'name'])}: ${quote(item.name)} is taken; names of servers and profiles are unique`,
        related: { span: first.span, message: `a ${first.owner} has this name` },
      });
    return problems;
  });
}

/** The problems of the names of servers in a profile. */
function serverProblems(
  profile: Mapping,
  path: Path,
  servers: ReadonlyMap<string, Span>,
  file: YamlFile,
): Problem[] {
  const seen = new Map<unknown, Span>();
  return listOf(profile.servers).flatMap((name, index) => {
    if (typeof name !== 'string') return [];
    const place: Path = [...path, index];
    const span = file.spanOf(place);
    const first = seen.get(name);
    seen.set(name, span);
    if (first !== undefined) {
      const related = { span: first, message: 'named here first' };
      return [{ span, message: `${dotted(place)}: ${quote(name)} is named twice`, related }];
    }
    if (servers.has(name)) return [];
    const hint = didYouMean(name, servers.keys());
    return [{ span, message: `${dotted(place)}: no server is named ${quote(name)}${hint}` }];
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Two tools of a server must not get the same name. @param path the path of `rename` */
export function renameProblems({ rename }: Mapping, path: Path, file: YamlFile): Problem[] {
  if (!isRecord(rename) || Array.isArray(rename)) return [];
  const seen = new Map<unknown, Span>();
  return Object.entries(rename).flatMap(([own, name]) => {
    const place: Path = [...path, own];
    const span = file.spanOf(place);
    const first = seen.get(name);
    seen.set(name, span);
    if (first === undefined || typeof name !== 'string') return [];
    const related = { span: first, message: 'another tool gets this name' };
    return [{ span, message: `${dotted(path)}: two tools get the name ${quote(name)}`, related }];
  });
}
