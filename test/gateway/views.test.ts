import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connectLegacy, connectModern } from '../support/era-clients.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage, rawPost } from '../support/rpc.ts';
import { type ItemServer, startItemServer } from '../support/sdk-items.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil, within } from '../support/wait.ts';

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

/** What a view says of itself in the result of `initialize`. */
async function instructionsAt(url: string): Promise<string | undefined> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
  const response = await rawPost(url, { jsonrpc: '2.0', id: 1, method: 'initialize', params });
  return ((await response.json()) as RpcMessage).result.instructions;
}

test('instructions are those of the view', async () => {
  await using git = await startGit();
  await using files = await startItemServer('files', { tools: ['read'] }, 'Read only.');
  await using gateway = await start(git, files);
  await gateway.connected();
  expect(await instructionsAt(gateway.url)).toBe('# git\n\nPull before you push.\n\n# files\n\nRead only.');
  expect(await instructionsAt(`${gateway.url}/git`)).toBe('Pull before you push.');
  expect(await instructionsAt(`${gateway.url}/gitonly`)).toBe('# git\n\nPull before you push.');
});

test('instructions last as long as the items of their server, which are listed while it is down', async () => {
  await using git = await startGit();
  await using gateway = await startGateway({ servers: [{ name: 'git', url: git.url }] });
  await gateway.connected();
  await git[Symbol.asyncDispose]();
  await gateway.waitFor('the loss', ({ servers }) => servers[0]?.connected === false);
  await using client = await connectLegacy(gateway.url);
  expect(await client.toolNames()).toContain('git__clone');
  expect(await instructionsAt(gateway.url)).toBe('# git\n\nPull before you push.');
  expect(await instructionsAt(`${gateway.url}/git`)).toBe('Pull before you push.');
  // Another URL makes it another upstream, which is not connected either.
  await gateway.reload({ servers: [{ name: 'git', url: `${git.url}?moved` }] });
  expect(await instructionsAt(`${gateway.url}/git`)).toBe('Pull before you push.');
});

test('instructions end with the items of a server that is given up', async () => {
  await using git = await startGit();
  const reconnect = { backoff_base_ms: 10, backoff_max_ms: 20, max_attempts: 1 };
  await using gateway = await startGateway({ servers: [{ name: 'git', url: git.url, reconnect }] });
  await gateway.connected();
  await git[Symbol.asyncDispose]();
  await waitUntil('the end', async () => (await gateway.health()).servers[0]?.state === 'given_up');
  expect(await instructionsAt(gateway.url)).toBeUndefined();
});

test('instructions of any length reach the clients of the server’s own view shortened', async () => {
  await using git = await startItemServer('git', { tools: ['clone'] }, 'x'.repeat(1_000_000));
  await using gateway = await startGateway({ servers: [{ name: 'git', url: git.url }] });
  await gateway.connected();
  expect(await instructionsAt(`${gateway.url}/git`)).toBe(`${'x'.repeat(32_767)}…`);
});

describe('a session', () => {
  test('is unknown in every view but its own', async () => {
    await using git = await startGit();
    await using files = await startFiles();
    await using gateway = await start(git, files);
    await gateway.connected();
    await using session = await RawSession.open(`${gateway.url}/git`);
    const headers = { 'mcp-session-id': session.id, accept: 'text/event-stream' };
    for (const path of ['', '/files', '/safe']) {
      const url = gateway.url + path;
      const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
      expect([path, (await rawPost(url, ping, headers)).status]).toEqual([path, 404]);
      expect([path, (await fetch(url, { headers })).status]).toEqual([path, 404]);
      expect([path, (await fetch(url, { method: 'DELETE', headers })).status]).toEqual([path, 404]);
    }
    expect(await session.callText('clone')).toBe('git ran clone');
  });

  test('is not needed to list and to call', async () => {
    await using git = await startGit();
    await using files = await startFiles();
    await using gateway = await start(git, files);
    await gateway.connected();
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'clone', arguments: {} } };
    const own = (await (await rawPost(`${gateway.url}/git`, call)).json()) as RpcMessage;
    expect(own.result.content[0].text).toBe('git ran clone');
    const whole = (await (await rawPost(gateway.url, call)).json()) as RpcMessage;
    expect(whole.error).toMatchObject({ code: -32602 });
  });

  test('ends with its view, and its stream with it; those of other views go on', async () => {
    await using git = await startGit();
    await using files = await startFiles();
    await using gateway = await start(git, files);
    await gateway.connected();
    await using gone = await RawSession.open(`${gateway.url}/safe`);
    await using kept = await RawSession.open(`${gateway.url}/git`);
    const stream = await gone.listen();
    await gateway.reload({ servers: [{ name: 'git', url: git.url }] });
    expect((await within('the end of the stream', stream.next())).done).toBe(true);
    expect((await gone.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(404);
    expect((await rawPost(`${gateway.url}/files`, { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(
      404,
    );
    expect(await kept.callText('clone')).toBe('git ran clone');
  });

  test('goes on when its view comes back', async () => {
    await using git = await startGit();
    const servers = [{ name: 'git', url: git.url }];
    const profiles = [{ name: 'p', servers: ['git'] }];
    await using gateway = await startGateway({ servers, profiles });
    await gateway.connected();
    await using session = await RawSession.open(`${gateway.url}/p`);
    const status = async () => (await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status;
    await gateway.reload({ servers });
    expect(await status()).toBe(404);
    await gateway.reload({ servers, profiles });
    expect(await status()).toBe(200);
  });
});

test('any name of a server can stand in the path, encoded or not, and a token is needed as for the whole', async () => {
  await using git = await startGit();
  const mcp = { auth: { mode: 'bearer' } };
  const env = { MCPSTEAD_BEARER_TOKEN: 'opensesame' };
  await using gateway = await startGateway({ mcp, servers: [{ name: 'my.git-2', url: git.url }] }, env);
  await gateway.connected();
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const authorization = `Bearer ${env.MCPSTEAD_BEARER_TOKEN}`;
  for (const path of ['my.git-2', 'my%2Egit-2', 'my.git-2/']) {
    const response = await rawPost(`${gateway.url}/${path}`, list, { authorization });
    const { result } = (await response.json()) as RpcMessage;
    expect(result.tools[0].name, path).toBe('clone');
  }
  expect((await rawPost(`${gateway.url}/my.git-2`, list)).status).toBe(401);
  expect((await rawPost(`${gateway.url}/unknown`, list)).status).toBe(401);
  expect((await rawPost(`${gateway.url}/unknown`, list, { authorization })).status).toBe(404);
});

test('a change of items is told in the views that show them, and in no other', async () => {
  await using git = await startGit();
  await using files = await startFiles();
  await using gateway = await start(git, files);
  await gateway.connected();
  // The notices of the start are over.
  await settle();
  const views = ['', '/git', '/files', '/safe', '/gitonly'];
  const told: Record<string, string[]> = {};
  const sessions: RawSession[] = [];
  for (const view of views) {
    const session = await RawSession.open(gateway.url + view);
    const stream = await session.listen();
    sessions.push(session);
    told[view] = [];
    void (async () => {
      for await (const { method } of stream) told[view]?.push(String(method));
    })();
  }
  const tools = 'notifications/tools/list_changed';
  await git.serve({ tools: ['clone', 'push', 'delete_repo', 'delete_branch'] });
  await waitUntil('a notice in the whole', () => told['']?.length === 1 && told['/gitonly']?.length === 1);
  await settle();
  expect(told).toEqual({ '': [tools], '/git': [tools], '/files': [], '/safe': [], '/gitonly': [tools] });

  await files.serve({ resources: ['file:///a', 'file:///b'] });
  const resources = 'notifications/resources/list_changed';
  await waitUntil('a notice in the profile', () => told['/safe']?.length === 1);
  await settle();
  expect(told).toEqual({
    '': [tools, resources],
    '/git': [tools],
    '/files': [resources],
    '/safe': [resources],
    '/gitonly': [tools],
  });
  for (const session of sessions) await session[Symbol.asyncDispose]();
});
