import { expect, test } from 'bun:test';
import { Abort } from '../../../src/runtime/abort.ts';
import { HttpSessionSource } from '../../../src/upstream/detect.ts';
import type { SessionEvents, UpstreamSession } from '../../../src/upstream/session.ts';
import { rpcResult } from '../../support/answers.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { serverConfig } from '../../support/fake-session.ts';
import { fakeUpstream } from '../../support/fake-upstream.ts';

const hourMs = 3_600_000;

const events: SessionEvents = {
  instance: 'this',
  quote: (text) => text,
  client: null,
  wantsChanges: false,
  onItemsChanged() {},
  onItemFaults() {},
  onResourceUpdated() {},
  onTaskStatus() {},
  onQuestionRefused() {},
  onLogDropped() {},
  onClosed() {},
  onSuspect() {},
  onSeen() {},
  onOddity() {},
};

/** A legacy server, which can be upgraded, and what opens sessions with it. */
async function upgradable(stack: AsyncDisposableStack, settings: object = {}) {
  const server = { eras: ['legacy'], discoverStatus: 200 };
  const upstream = stack.use(
    await fakeUpstream({
      onDiscover: ({ id }) =>
        server.discoverStatus !== 200
          ? new Response('no', { status: server.discoverStatus })
          : server.eras.includes('modern')
            ? rpcResult(id, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } })
            : undefined,
      onPost: ({ method }) =>
        method === 'initialize' && !server.eras.includes('legacy')
          ? new Response('no', { status: 400 })
          : undefined,
    }),
  );
  const config = serverConfig({ url: upstream.url, ...settings });
  const clock = new FakeClock();
  const bytes = { sent: 0, received: 0 };
  const source = new HttpSessionSource(
    { server: config, token: null },
    () => config,
    bytes,
    (text) => text,
    clock,
  );
  stack.defer(() => source.close());
  const open = async (era?: 'legacy' | 'modern'): Promise<UpstreamSession> => {
    const session = await source.open(events, new Abort(), era);
    stack.defer(() => session.retire(1_000));
    return session;
  };
  const count = (method: string) => upstream.messages(method).length;
  return { server, clock, source, open, count };
}

test('a legacy server is asked for its era once an hour, and else opened at once', async () => {
  await using stack = new AsyncDisposableStack();
  const { clock, open, count } = await upgradable(stack);
  expect((await open()).era).toBe('legacy');
  await open();
  expect([count('server/discover'), count('initialize')]).toEqual([1, 2]);
  clock.advance(hourMs);
  await open();
  expect([count('server/discover'), count('initialize')]).toEqual([2, 3]);
});

test('a server that was upgraded meanwhile is found out when it refuses the old handshake', async () => {
  await using stack = new AsyncDisposableStack();
  const { server, open, count } = await upgradable(stack);
  await open();
  server.eras = ['modern'];
  expect((await open()).era).toBe('modern');
  expect(count('server/discover')).toBe(2);
});

test('the refusal of a server that is still a legacy one is told as it is, and has it asked the next time', async () => {
  await using stack = new AsyncDisposableStack();
  const { server, open, count } = await upgradable(stack, { protocol: 'streamable' });
  await open();
  server.eras = [];
  await expect(open()).rejects.toThrow('answered HTTP 400: "no"');
  server.eras = ['legacy'];
  await open();
  expect(count('server/discover')).toBe(3);
});

test('a server that goes on with old sessions after an upgrade is found out within an hour', async () => {
  await using stack = new AsyncDisposableStack();
  const { server, clock, source, open, count } = await upgradable(stack);
  await open();
  server.eras = ['modern', 'legacy'];
  clock.advance(hourMs - 1);
  expect(await source.hasNewEra(events, new Abort())).toBe(false);
  expect(count('server/discover')).toBe(1);
  clock.advance(1);
  expect(await source.hasNewEra(events, new Abort())).toBe(true);
  const session = await open();
  expect(session.era).toBe('modern');
});

test('a server that was not upgraded is asked no more often than once an hour', async () => {
  await using stack = new AsyncDisposableStack();
  const { clock, source, open, count } = await upgradable(stack);
  await open();
  clock.advance(hourMs);
  for (let times = 0; times < 3; times++) expect(await source.hasNewEra(events, new Abort())).toBe(false);
  expect(count('server/discover')).toBe(2);
});

test('a server that answers the question with 501 is opened in the legacy era, and asked again each time', async () => {
  await using stack = new AsyncDisposableStack();
  const { server, source, open, count } = await upgradable(stack);
  server.discoverStatus = 501;
  server.eras = ['modern', 'legacy'];
  for (let times = 1; times <= 2; times++) {
    expect((await open()).era).toBe('legacy');
    expect(await source.hasNewEra(events, new Abort())).toBe(false);
    expect(count('server/discover')).toBe(2 * times);
  }
  server.discoverStatus = 200;
  expect(await source.hasNewEra(events, new Abort())).toBe(true);
  expect((await open()).era).toBe('modern');
});

test('a server that answers the question with 501, and later that it is a legacy one, is known from then on', async () => {
  await using stack = new AsyncDisposableStack();
  const { server, source, open, count } = await upgradable(stack);
  server.discoverStatus = 501;
  await open();
  server.discoverStatus = 200;
  for (let times = 0; times < 3; times++) expect(await source.hasNewEra(events, new Abort())).toBe(false);
  await open();
  expect(count('server/discover')).toBe(2);
});

test.each([500, 502, 503])(
  'a server that answers the question with %d is not opened at all',
  async (status) => {
    await using stack = new AsyncDisposableStack();
    const { server, open, count } = await upgradable(stack);
    server.discoverStatus = status;
    await expect(open()).rejects.toThrow(`answered HTTP ${status}: "no"`);
    expect(count('initialize')).toBe(0);
  },
);

test('an era that is wanted, or configured, is not asked for', async () => {
  await using stack = new AsyncDisposableStack();
  const both = await upgradable(stack);
  both.server.eras = ['modern', 'legacy'];
  expect((await both.open('legacy')).era).toBe('legacy');
  expect(both.count('server/discover')).toBe(0);
  const fixed = await upgradable(stack, { era: 'legacy' });
  fixed.server.eras = ['modern', 'legacy'];
  expect((await fixed.open()).era).toBe('legacy');
  expect(fixed.count('server/discover')).toBe(0);
});

test('a configured modern era takes no other', async () => {
  await using stack = new AsyncDisposableStack();
  const { open, count } = await upgradable(stack, { era: 'modern' });
  await expect(open()).rejects.toThrow(
    'does not speak revision 2026-07-28: it refused server/discover: Method not found (error -32601)',
  );
  expect(count('initialize')).toBe(0);
});
