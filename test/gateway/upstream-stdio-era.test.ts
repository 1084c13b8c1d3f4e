import { afterAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../src/observability/log.ts';
import { Redactor } from '../../src/observability/redact.ts';
import { openState } from '../../src/state/state.ts';
import { isAlive } from '../support/child-processes.ts';
import { connectLegacy } from '../support/era-clients.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import type { RawBehavior } from '../support/stdio/raw-server.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { waitUntil } from '../support/wait.ts';

const root = join(import.meta.dir, '../..');
const folder = mkdtempSync(join(tmpdir(), 'mcpstead-era-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let names = 0;
/** A server of the SDKs; `delayMs` passes before it reads anything. Each call is another command, which no verdict is known of. */
function sdk(program: string, args: string[], delayMs = 0) {
  const startsFile = join(folder, `starts-${names++}`);
  const code = `require('fs').appendFileSync(${JSON.stringify(startsFile)}, process.pid + '\\n');
    await Bun.sleep(${delayMs});
    process.argv.splice(1, 1, 'server');
    await import(${JSON.stringify(join(root, 'test/conformance', program))});`;
  return {
    startsFile,
    server: { name: 'sdk', command: process.execPath, args: ['-e', code, 'first', ...args] },
  };
}
const startsIn = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);
const eraOf = async (gateway: TestGateway) => (await gateway.health()).servers[0]?.era;

function raw(behavior: RawBehavior) {
  const startsFile = join(folder, `starts-${names++}`);
  return { startsFile, server: rawStdio('raw', { ...behavior, startsFile }) };
}

/** A command whose behaviour can be changed. */
function changeable(first: RawBehavior) {
  const script = join(folder, `script-${names++}`);
  const become = (behavior: RawBehavior) => {
    const { command, args } = rawStdio('raw', behavior);
    writeFileSync(script, `exec ${[command, ...args].map((word) => `'${word}'`).join(' ')}\n`);
  };
  become(first);
  return { become, server: { name: 'raw', command: '/bin/sh', args: [script] } };
}

/** What one gateway leaves to the next. */
function lastingState() {
  const logger = createLogger({ level: 'warn', format: 'json', redactor: new Redactor(), write: () => {} });
  return openState({ directory: join(folder, 'state'), key: null, port: 1 }, logger);
}

describe('the era of a server on stdio is', () => {
  test.each([
    ['legacy', 'of the v1 SDK', 'serve-v1.ts', ['stdio']],
    ['modern', 'of the v2 SDK', 'serve-v2.ts', ['stdio']],
    ['modern', 'of the v2 SDK without the legacy era', 'serve-v2.ts', ['stdio', 'modern']],
  ])('%s: one %s, which is started once', async (era, _, program, args) => {
    const { server, startsFile } = sdk(program, args);
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    expect([await eraOf(gateway), startsIn(startsFile)]).toEqual([era, 1]);
  });

  test('modern if it takes longer to start than the gateway waits for the answer', async () => {
    const { server, startsFile } = sdk('serve-v2.ts', ['stdio', 'modern'], 2_600);
    await using gateway = await startGateway({ servers: [server] });
    await gateway.waitFor('connected', ({ servers }) => servers[0]?.connected === true, 20_000);
    expect([await eraOf(gateway), startsIn(startsFile)]).toEqual(['modern', 1]);
  });

  test('modern if it speaks both and starts slowly, in a process that got no initialize: the next one is waited for', async () => {
    const { server, startsFile } = sdk('serve-v2.ts', ['stdio'], 2_600);
    for (const starts of [2, 3]) {
      await using gateway = await startGateway({ servers: [server] }, {}, lastingState());
      await gateway.waitFor('connected', ({ servers }) => servers[0]?.connected === true, 20_000);
      expect([await eraOf(gateway), startsIn(startsFile)]).toEqual(['modern', starts]);
      expect((await gateway.health()).servers[0]).toMatchObject({ restarts: 0, last_exit: null });
    }
  });

  test('that of each client if it speaks both, in a process for each, while /health names the one for all', async () => {
    const { server, startsFile } = sdk('serve-v2.ts', ['stdio']);
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    const pid = (await gateway.health()).servers[0]?.pid;
    const starts = startsIn(startsFile);
    await using client = await connectLegacy(gateway.url);
    await client.call('sdk__test_simple_text');
    expect(startsIn(startsFile) - starts).toBe(1);
    expect((await gateway.health()).servers[0]).toMatchObject({ pid, era: 'modern' });
  });

  test('of no interest any more if it is removed meanwhile: nothing is started then', async () => {
    const descendantFile = join(folder, `descendants-${names++}`);
    const { server, startsFile } = raw({ isStrict: true, descendantFile });
    await using gateway = await startGateway({ servers: [server] });
    const isOver = () =>
      startsIn(startsFile) > 0 && !isAlive(Number(readFileSync(startsFile, 'utf8').split('\n')[0]));
    await waitUntil('its exit', isOver);
    // Its descendant, which keeps stdout open for half a second and ignores SIGTERM for another one, keeps the gateway waiting.
    await Bun.sleep(900);
    await gateway.reload({ servers: [] });
    await waitUntil('the end of all', () => !isAlive(Number(readFileSync(descendantFile, 'utf8'))));
    await Bun.sleep(300);
    expect(startsIn(startsFile)).toBe(1);
  });

  test('legacy if it exits on a request ahead of initialize, which is no crash', async () => {
    const { server, startsFile } = raw({ isStrict: true });
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    expect([await eraOf(gateway), startsIn(startsFile)]).toEqual(['legacy', 2]);
    expect((await gateway.health()).servers[0]).toMatchObject({
      restarts: 0,
      last_exit: null,
      last_error: null,
    });
  });

  test('remembered beyond the life of the gateway if to ask again would cost another process', async () => {
    const { server, startsFile } = raw({ isStrict: true });
    for (const starts of [2, 3]) {
      await using gateway = await startGateway({ servers: [server] }, {}, lastingState());
      await gateway.connected();
      expect([await eraOf(gateway), startsIn(startsFile)]).toEqual(['legacy', starts]);
    }
  });

  test('asked of each new process if it answers, so that an upgrade is noticed at once', async () => {
    const { server, become } = changeable({});
    for (const era of ['legacy', 'modern', 'legacy']) {
      become(era === 'modern' ? { isModern: 'refusing' } : {});
      await using gateway = await startGateway({ servers: [server] }, {}, lastingState());
      await gateway.connected();
      expect(await eraOf(gateway)).toBe(era);
    }
  });

  test('not remembered if it was only silent', async () => {
    const { server, become } = changeable({ isSilent: true });
    for (const [era, behavior] of [
      ['legacy', { isSilent: true }],
      ['modern', { isModern: 'refusing' }],
    ] as const) {
      become(behavior);
      await using gateway = await startGateway({ servers: [server] }, {}, lastingState());
      await gateway.connected();
      expect(await eraOf(gateway)).toBe(era);
    }
  });

  test('found out anew if it is not what is remembered, before a call fails', async () => {
    const { server, become } = changeable({ isStrict: true });
    for (const [era, behavior] of [
      ['legacy', { isStrict: true }],
      ['modern', { isModern: 'refusing' }],
      ['legacy', {}],
    ] as const) {
      become(behavior);
      await using gateway = await startGateway({ servers: [server] }, {}, lastingState());
      await gateway.connected();
      expect(await eraOf(gateway)).toBe(era);
      expect((await gateway.health()).servers[0]).toMatchObject({ restarts: 0, last_exit: null });
      expect(gateway.logs.filter((line) => line.includes('upstream not connected'))).toEqual([]);
    }
  });

  test('modern for legacy clients, too, if it is silent on initialize, without a long wait', async () => {
    const { server, startsFile } = raw({ isModern: 'silent' });
    await using gateway = await startGateway({
      servers: [{ ...server, timeouts: { connect_seconds: 0.5 } }],
    });
    await gateway.connected();
    await using client = await connectLegacy(gateway.url);
    const startMs = performance.now();
    expect(await client.call('raw__echo', { text: 'a' })).toBe('a');
    expect(performance.now() - startMs).toBeLessThan(6_000);
    expect(await client.call('raw__echo', { text: 'b' })).toBe('b');
    const [own = 0, tried = 0, ...others] = readFileSync(startsFile, 'utf8').trim().split('\n').map(Number);
    await waitUntil('the end of the one that was tried', () => !isAlive(tried));
    expect([isAlive(own), others]).toEqual([true, []]);
  });

  test('legacy if it is silent on what it does not know', async () => {
    const { server, startsFile } = raw({ isSilent: true });
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    expect([await eraOf(gateway), startsIn(startsFile)]).toEqual(['legacy', 1]);
  });

  test.each(['legacy', 'modern'])('%s if the configuration says so', async (era) => {
    const { server, startsFile } = sdk('serve-v2.ts', ['stdio']);
    await using gateway = await startGateway({ servers: [{ ...server, era }] });
    await gateway.connected();
    expect([await eraOf(gateway), startsIn(startsFile)]).toEqual([era, 1]);
  });

  test('an error if the configuration wants the one that it does not speak', async () => {
    const { server } = raw({});
    await using gateway = await startGateway({ servers: [{ ...server, era: 'modern' }] });
    const health = await gateway.waitFor('an error', ({ servers }) => servers[0]?.last_error !== null);
    expect(health.servers[0]?.last_error).toStartWith('does not speak revision 2026-07-28');
  });
});
