import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectLegacy, connectModern, type EraClient } from '../support/era-clients.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { waitUntil } from '../support/wait.ts';
import { installBrowsing } from './install.ts';

setDefaultTimeout(120_000);

const browsing = installBrowsing();
const missing = typeof browsing === 'string' ? browsing : null;
if (missing) console.error(`skipped: ${missing}`);

/** Two clients of each pairing of eras, each of which should have a browser of its own. */
const pairs = [
  ['legacy', 'legacy', connectLegacy, connectLegacy],
  ['legacy', 'modern', connectLegacy, connectModern],
] as const;

describe.skipIf(missing !== null)('@playwright/mcp over stdio with isolation: session', () => {
  let folder: string;
  let site: Bun.Server<undefined>;
  let gateway: TestGateway;

  beforeAll(async () => {
    if (typeof browsing === 'string') throw new Error(browsing);
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-browser-')));
    site = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: pageOf });
    const flags = ['--headless', '--isolated', '--no-sandbox', '--executable-path', browsing.browser];
    const server = {
      name: 'browser',
      command: process.execPath,
      args: [browsing.program, ...flags],
      // Browsers keep their profiles there, so that their command lines contain it.
      env: { TMPDIR: folder },
      cwd: folder,
      isolation: 'session',
    };
    gateway = await startGateway({ servers: [server] });
    await gateway.connected();
  });

  afterAll(async () => {
    await gateway?.gateway.stop();
    await site?.stop(true);
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const visit = (client: EraClient, path: string) =>
    client.call('browser_navigate', { url: new URL(path, site.url).href });
  const shown = (client: EraClient) => client.call('browser_snapshot');

  test.each(pairs)('a %s and a %s client: a browser each', async (_first, _second, connectA, connectB) => {
    await using a = await connectA(`${gateway.url}/browser`);
    await using b = await connectB(`${gateway.url}/browser`);
    expect(await a.toolNames()).toContain('browser_navigate');

    await Promise.all([visit(a, '/a'), visit(b, '/b')]);
    expect(await shown(a)).toContain('/a is visited for the first time');
    expect(await shown(b)).toContain('/b is visited for the first time');

    // The cookie of a browser stays in it, and so does its page.
    await visit(a, '/again');
    expect(await shown(a)).toContain('/again is visited after /a');
    expect(await shown(b)).toContain('/b is visited for the first time');
    expect((await gateway.health()).servers[0]?.client_sessions).toBeGreaterThanOrEqual(2);
  });

  test('when their clients leave, browsers of the legacy era end, and all others end with the gateway', async () => {
    const before = (await gateway.health()).servers[0]?.client_sessions as number;
    const client = await connectLegacy(`${gateway.url}/browser`);
    await visit(client, '/');
    const running = processesWith(folder);
    expect(running).toBeGreaterThan(0);
    await client[Symbol.asyncDispose]();
    await gateway.waitFor('the end of the session', ({ servers }) => servers[0]?.client_sessions === before);
    await waitUntil('fewer browsers', () => processesWith(folder) < running);
    await gateway.gateway.stop();
    await waitUntil('the end of all browsers', () => processesWith(folder) === 0);
  });
});

/** A page that says which page its browser saw before. */
function pageOf(request: Request): Response {
  const { pathname } = new URL(request.url);
  const before = /last=([^;]*)/.exec(request.headers.get('cookie') ?? '')?.[1];
  const text = `${pathname} is visited ${before ? `after ${before}` : 'for the first time'}`;
  const headers = { 'content-type': 'text/html', 'set-cookie': `last=${pathname}; Path=/` };
  return new Response(`<!doctype html><title>test</title><p>${text}</p>`, { headers });
}

/** How many processes have `text` in their command lines. */
function processesWith(text: string): number {
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      // It has ended meanwhile.
      return '';
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLine(name).includes(text)).length;
}
