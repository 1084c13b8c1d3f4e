// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(60_000);

let folder: string;
let path: string;
let envPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-cli-env-'));
  path = join(folder, 'mcpstead.yaml');
  envPath = join(folder, 'mcpstead.env');
});
afterEach(() => rmSync(folder, { recursive: true }));

const writeEnv = (text: string) => writeFileSync(envPath, text, { mode: 0o600 });
const seen = ({ received }: FakeUpstream, header: string) => [
  ...new Set(received.map(({ headers }) => headers.get(header))),
];

test('values of mcpstead.env, defaults and files reach servers, and a reload restarts those whose values changed', async () => {
  await using one = await fakeUpstream();
  await using two = await fakeUpstream();
  const port = freePort();
  writeFileSync(join(folder, 'key'), ' planted-key-0123456789\n');
  writeFileSync(
    path,
    `port: ${port}
servers:
  - name: one
    url: ${one.url}
    auth: { type: bearer, token_env: ONE_TOKEN }
    headers: { X-Default: "\${UNSET:-by-default}", X-File: "\${file:key}", X-Both: "\${BOTH}" }
  - name: two
    url: ${two.url}
    headers: { X-Two: "\${TWO}" }
  - name: off
    url: ${two.url}?token=\${UNSET}
    enabled: false
`,
  );
  writeEnv('ONE_TOKEN=planted-one-0123456789\nBOTH=from-file\nTWO=planted-two-0123456789\n');
  await using program = startProgram(['serve', '-c', path], { env: { BOTH: 'from-process' } });
  await program.printed('serving http');
  const reload = async () =>
    (await fetch(`http://127.0.0.1:${port}/-/reload`, { method: 'POST' })).json() as Promise<
      Record<string, unknown>
    >;
  const calls = () => [one.messages('initialize').length, two.messages('initialize').length];
  await waitUntil('both servers', () => calls().every((count) => count === 1), 20_000);
  expect(seen(one, 'authorization')).toEqual(['Bearer planted-one-0123456789']);
  expect(seen(one, 'x-default')).toEqual(['by-default']);
  expect(seen(one, 'x-file')).toEqual(['planted-key-0123456789']);
  expect(seen(one, 'x-both')).toEqual(['from-process']);
  expect(seen(two, 'x-two')).toEqual(['planted-two-0123456789']);

  writeEnv('ONE_TOKEN=planted-new-0123456789\nBOTH=other\nTWO=planted-two-0123456789\n');
  expect(await reload()).toMatchObject({ restarted: 1, unchanged: 1 });
  await waitUntil(
    'the new token',
    () => seen(one, 'authorization').includes('Bearer planted-new-0123456789'),
    20_000,
  );
  expect(calls()[1]).toBe(1);

  writeEnv('ONE_TOKEN=planted-new-0123456789\nTWO="planted\n');
  const refused = await reload();
  expect(refused.error).toContain(`${envPath}:2:5: TWO: this quote is not closed on its line`);
  const health = await (await fetch(`http://127.0.0.1:${port}/health`)).text();
  program.signal('SIGTERM');
  const { stdout, stderr } = await program.ended();
  expect(stdout + stderr + health + JSON.stringify(refused)).not.toContain('planted-');
});

test('the token of clients comes from mcpstead.env, and a new one counts after a reload', async () => {
  const port = freePort();
  writeFileSync(path, `port: ${port}\nmcp: { auth: { mode: bearer } }\n`);
  writeEnv('MCPSTEAD_BEARER_TOKEN=planted-old\n');
  await using program = startProgram(['serve', '-c', path]);
  await program.printed('serving http');
  const post = async (route: string, token: string) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json',
    };
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    return (await fetch(`http://127.0.0.1:${port}${route}`, { method: 'POST', headers, body })).status;
  };
  expect([await post('/mcp', 'planted-new'), await post('/mcp', 'planted-old')]).toEqual([401, 200]);
  writeEnv('MCPSTEAD_BEARER_TOKEN=planted-new\n');
  expect(await post('/-/reload', 'planted-old')).toBe(200);
  expect([await post('/mcp', 'planted-new'), await post('/mcp', 'planted-old')]).toEqual([200, 401]);
});

test('a changed MCPSTEAD_STATE_KEY is reported as one that needs a restart', async () => {
  const port = freePort();
  writeFileSync(path, `port: ${port}\n`);
  writeEnv(`MCPSTEAD_STATE_KEY=${'a'.repeat(32)}\n`);
  await using program = startProgram(['serve', '-c', path]);
  await program.printed('serving http');
  writeEnv(`MCPSTEAD_STATE_KEY=${'b'.repeat(32)}\n`);
  const reload = async () => (await fetch(`http://127.0.0.1:${port}/-/reload`, { method: 'POST' })).json();
  expect(await reload()).toMatchObject({ ignored: ['MCPSTEAD_STATE_KEY'] });
  expect(await reload()).toMatchObject({ ignored: ['MCPSTEAD_STATE_KEY'] });
});

test('a file that others can read stops check and serve, with the command that mends it', async () => {
  writeFileSync(path, 'port: 0\n');
  writeEnv('A_TOKEN=planted-0123456789\n');
  chmodSync(envPath, 0o644);
  for (const command of ['check', 'serve']) {
    const { exitCode, stdout, stderr } = await runProgram([command, '-c', path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`can be read or written by others (mode 644)`);
    expect(stderr).toContain(`run: chmod 600 ${envPath}`);
    expect(stderr).not.toContain('planted');
  }
});
