import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connectLegacy, connectModern } from '../support/era-clients.ts';
import { startGateway } from '../support/gateway.ts';
import { type ItemServer, startItemServer } from '../support/sdk-items.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const startGit = () =>
  startItemServer(
    'git',
    {
      tools: ['clone', 'push', 'delete_repo'],
      prompts: ['review'],
      resources: ['git://readme'],
      templates: ['git://file/{+path}'],
    },
    'Pull before you push.',
  );
const startFiles = () =>
  startItemServer('files', { tools: ['read', 'delete'], prompts: ['tidy'], resources: ['file:///a'] });

/** A gateway to both. */
function start(git: ItemServer, files: ItemServer) {
  return startGateway({
    servers: [
      { name: 'git', url: git.url },
      { name: 'files', url: files.url },
    ],
    profiles: [
      { name: 'safe', servers: ['files', 'git'], tools: { deny: ['*__delete*'] } },
      { name: 'gitonly', servers: ['git'] },
    ],
  });
}

describe.each([
  ['legacy', connectLegacy],
  ['modern', connectModern],
])('a client of the %s era', (_era, connect) => {
  test('sees in each view what it shows, under the names of the view', async () => {
    await using git = await startGit();
    await using files = await startFiles();
    await using gateway = await start(git, files);
    await gateway.connected();

    await using whole = await connect(gateway.url);
    expect(await whole.toolNames()).toEqual([
      'git__clone',
      'git__push',
      'git__delete_repo',
      'files__read',
      'files__delete',
    ]);
    expect(await whole.promptNames()).toEqual(['git__review', 'files__tidy']);
    expect(await whole.resourceUris()).toEqual(['git://readme', 'file:///a']);
    expect(await whole.templateUris()).toEqual(['git://file/{+path}']);

    await using own = await connect(`${gateway.url}/git`);
    expect(await own.toolNames()).toEqual(['clone', 'push', 'delete_repo']);
    expect(await own.promptNames()).toEqual(['review']);
    expect(await own.resourceUris()).toEqual(['git://readme']);
    expect(await own.call('clone')).toBe('git ran clone');
    expect(await own.prompt('review')).toBe('git says review');
    expect(await own.read('git://file/a/b')).toBe('git read git://file/a/b');
    await expect(own.call('git__clone')).rejects.toThrow('git__clone');
    await expect(own.call('read')).rejects.toThrow('read');

    await using profile = await connect(`${gateway.url}/safe`);
    expect(await profile.toolNames()).toEqual(['git__clone', 'git__push', 'files__read']);
    expect(await profile.promptNames()).toEqual(['git__review', 'files__tidy']);
    expect(await profile.call('files__read')).toBe('files ran read');
    await expect(profile.call('files__delete')).rejects.toThrow('Unknown tool');

    await using narrow = await connect(`${gateway.url}/gitonly/`);
    expect(await narrow.toolNames()).toEqual(['git__clone', 'git__push', 'git__delete_repo']);
    await expect(narrow.call('files__read')).rejects.toThrow('Unknown tool');
    await expect(narrow.read('file:///a')).rejects.toThrow('file:///a');
  });
});
