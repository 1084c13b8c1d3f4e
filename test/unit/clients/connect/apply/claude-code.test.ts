import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyConnect, applyDisconnect } from '../../../../../src/clients/connect/apply.ts';
import { type ConnectWish, planConnect } from '../../../../../src/clients/connect/plan.ts';
import { planDisconnect } from '../../../../../src/clients/connect/plan-disconnect.ts';
import { clientRows } from '../../../../../src/clients/table.ts';
import type { Place } from '../../../../../src/config/places.ts';
import { installFakeClaude } from '../../../../support/fake-claude.ts';

const row = clientRows.find(({ id }) => id === 'claude-code')!;
const target = { url: 'http://127.0.0.1:8766/mcp', needsToken: false, command: '/bin/mcpstead', view: null };
const github = { command: 'npx', args: ['github'], env: { TOKEN: 'planted-secret' } };
const original = JSON.stringify({
  history: [1],
  mcpServers: { github },
  projects: { '/x': { mcpServers: {} } },
});

let home: string;
let file: string;
let place: Place;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'claude-')));
  file = join(home, '.claude.json');
  place = { env: { HOME: home, PATH: `${installFakeClaude(home)}:/usr/bin:/bin` }, platform: 'linux' };
  writeFileSync(file, original);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const data = () => JSON.parse(readFileSync(file, 'utf8'));
const commands = () => readFileSync(join(home, 'claude.log'), 'utf8');

async function connect(...replaced: string[]): Promise<void> {
  const matches = replaced.map((key) => ({ key, server: key, reason: null }));
  const wish: ConnectWish = { place, name: 'mcpstead', target, matches: () => matches };
  const [plan] = planConnect(row, wish);
  if (plan?.kind !== 'edit') throw new Error(plan?.kind);
  await applyConnect(row, plan, place);
}

async function disconnect(): Promise<void> {
  for (const plan of planDisconnect(row, place, false, 8766)) {
    if (plan.kind !== 'edit') throw new Error(plan.kind);
    await applyDisconnect(row, plan, place);
  }
}

test('the command of Claude Code adds and removes the gateway', async () => {
  await connect();
  expect(data().mcpServers).toEqual({ github, mcpstead: { type: 'http', url: 'http://127.0.0.1:8766/mcp' } });
  await disconnect();
  expect(data()).toEqual({ ...JSON.parse(original), numStartups: 2 });
  expect(commands()).toBe(
    'mcp add-json --scope user mcpstead {"type":"http","url":"http://127.0.0.1:8766/mcp"}\n' +
      'mcp remove --scope user mcpstead\n',
  );
});

test('it replaces servers, and what is put back never shows in its arguments', async () => {
  await connect('github');
  expect(data().mcpServers).toEqual({ github: { type: 'http', url: 'http://127.0.0.1:8766/mcp/github' } });
  // Something else happens in Claude Code.
  writeFileSync(file, JSON.stringify({ ...data(), history: [1, 2] }));
  await disconnect();
  expect(data()).toEqual({ ...JSON.parse(original), history: [1, 2], numStartups: 2 });
  expect(commands()).not.toContain('planted-secret');
});

test('a switch from replacing to adding puts the server back', async () => {
  await connect('github');
  await connect();
  expect(data().mcpServers).toEqual({ github, mcpstead: { type: 'http', url: 'http://127.0.0.1:8766/mcp' } });
  await disconnect();
  expect(data().mcpServers).toEqual({ github });
  expect(commands()).not.toContain('planted-secret');
});

test('a failure of the command leaves the servers as they were, and no backup', async () => {
  place = { ...place, env: { ...place.env, FAKE_CLAUDE_FAILS: 'add-json' } };
  await expect(connect('github')).rejects.toThrow('"claude mcp add-json" failed: Something went wrong');
  expect(data().mcpServers).toEqual({ github });
  expect(readdirSync(join(home, '.local/state/mcpstead/backups/claude-code'))).toEqual([]);
});

test('a file that the command has made stays, without the gateway', async () => {
  rmSync(file);
  writeFileSync(join(home, '.claude'), '');
  await connect();
  await disconnect();
  expect(existsSync(file)).toBe(true);
  expect(data()).toEqual({ numStartups: 2, mcpServers: {} });
});
