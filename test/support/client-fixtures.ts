import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Glob } from 'bun';
import type { ClientRow } from '../../src/clients/row.ts';
import { clientRows } from '../../src/clients/table.ts';
import type { Place } from '../../src/config/places.ts';

export const clientFixtures = join(import.meta.dir, '../fixtures/clients');

/** Made of parts: scanners of repositories would take whole ones for leaked secrets. */
export const plantedSecrets: Readonly<Record<string, string>> = {
  github: `gh${'p_'}Zk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4oKt`,
  githubpat: `github${'_pat_'}11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789abcdefGHIJKLMN`,
  brave: `BS${'A'}kQ3v9xLr7TnB2wYc5HdJf8Ms1uP`,
  jwt: `ey${'J'}hbGciOiJIUzI1NiJ9.ey${'J'}zdWIiOiJhZGEifQ.q7Xr2Lk9VbT3nPz8WmYc`,
  airtable: `pat${'Ab3'}kQ9wLr7TnB2xYc.5HdJf8MsAeG1uPi4oKtZk3vQ9wLr7TnB2`,
  pgpassword: 'sw0rdf1sh-and-chips',
  figma: `fig${'d_'}Zk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4oKt`,
  stripe: `sk${'_live_'}Zk3vQ9wLr7TnB2xYc5HdJf8M`,
  notion: `ntn${'_'}Zk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4oKt`,
  uuid: '3f2b8c1e-9d4a-4e7f-8b6c-2a1d0e9f8c7b',
  akia: `AK${'IA'}Z3VQ9WLR7TNB2XYC`,
  awssecret: `wJalr${'XUtn'}FEMI/K7MDENG/bPxRfiCYzEXAMPLKY`,
  slack: `xox${'p-'}123456789012-123456789012-Zk3vQ9wLr7TnB2xYc5HdJf8M`,
  slackapp: `xap${'p-'}1-A0123456789-1234567890123-Zk3vQ9wLr7TnB2xYc5HdJf8M`,
  gitlab: `gl${'pat-'}Zk3vQ9wLr7TnB2xYc5Hd`,
  entropy: 'Zq8Lr3Vk9WnB2xTy5HdJf7MsAe4GuPi1',
  openai: `sk-${'proj-'}Zk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4oKt`,
  google: `AI${'za'}SyZk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4o`,
  npm: `npm${'_'}Zk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4oKt`,
  huggingface: `hf${'_'}ZkvQwLrTnBxYcHdJfMsAeGuPioKtAbCdEfGh`,
  path: 'Mzc5ZjE2YjQtNGU3Zi00YjZjLTlkMWUtMGY4YzdiOGE',
  anthropic: `sk-${'ant-'}api03-Zk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4oKt`,
  basic: 'YWRhOmxvdmVsYWNlLWFuZC1iYWJiYWdl',
  linear: `lin${'_api_'}Zk3vQ9wLr7TnB2xYc5HdJf8MsAeG1uPi4oKt`,
  mysqlpassword: 'root-beer-4711',
  short: 'hunter2x',
};

/** The places of a user whose home is `home`, on each system. Windows' paths are names of files here. */
export function placeOf(platform: 'linux' | 'darwin' | 'win32', home: string): Place {
  const env =
    platform === 'win32'
      ? { USERPROFILE: home, APPDATA: `${home}\\AppData\\Roaming`, LOCALAPPDATA: `${home}\\AppData\\Local` }
      : { HOME: home };
  return { platform, env };
}

/** The text of a fixture with the home and the secrets in it. */
export function fixtureText(path: string, home: string): string {
  return readFileSync(join(clientFixtures, path), 'utf8')
    .replaceAll('{home}', home)
    .replaceAll(/\{secret:(\w+)\}/g, (_, name: string) => plantedSecrets[name] as string);
}

/** The reverse: a text as the files of expected results have it. */
export function withPlaceholders(text: string, home: string): string {
  let result = text.replaceAll(home, '{home}');
  for (const [name, secret] of Object.entries(plantedSecrets))
    result = result.replaceAll(secret, `{secret:${name}}`);
  return result;
}

/** Writes the fixture of a client to the place where it keeps its file, and returns that path. */
export function writeClientFile(row: ClientRow, place: Place, home: string): string {
  const [path] = row.userFiles(place);
  if (path === undefined) throw new Error(`${row.id} has no file`);
  const [fixture] = [...new Glob(`${row.id}/in.{json,jsonc.txt,toml,yaml}`).scanSync(clientFixtures)];
  if (fixture === undefined) throw new Error(`${row.id} has no fixture`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, fixtureText(fixture, home));
  return path;
}

/** The clients with a fixture. */
export const fixtureRows = clientRows.filter(({ id }) => !['vscode-insiders', 'jetbrains-ai'].includes(id));
