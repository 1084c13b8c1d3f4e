import { expect, test } from 'bun:test';
import { Abort } from '../../../../src/runtime/abort.ts';
import { LastingMap } from '../../../../src/state/lasting-map.ts';
import type { SessionEvents } from '../../../../src/upstream/session.ts';
import { EraVerdicts } from '../../../../src/upstream/stdio/era-verdicts.ts';
import { StdioSessionSource } from '../../../../src/upstream/stdio/session-source.ts';
import { serverConfig } from '../../../support/fake-session.ts';
import { waitUntil } from '../../../support/wait.ts';

const client = { clientInfo: '{"name":"c","version":"1"}', capabilities: '{}' };

function newEvents(): SessionEvents {
  return {
    instance: 'this',
    quote: (text) => text,
    client,
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
}

test('a client whose session is not open in time hears nothing of the process of another', async () => {
  const script = 'echo "error: for one client only" >&2; cat >/dev/null';
  const config = serverConfig({ url: undefined, command: '/bin/sh', args: ['-c', script] });
  const source = new StdioSessionSource(config, {
    logger: { debug() {}, info() {}, warn() {} },
    bytes: { sent: 0, received: 0 },
    stateDirectory: null,
    verdicts: new EraVerdicts(new LastingMap(1, null)),
    quote: (text) => text,
    onStart() {},
  });
  const [one, other, abort] = [newEvents(), newEvents(), new Abort()];
  const opening = [source.open(one, abort), source.open(other, abort)];
  const words = (events: SessionEvents) => source.openTimeout(1_000, events).message;
  await waitUntil('its words', () => words(one).includes('"error: for one client only"'));
  expect(words(other)).toBe('did not initialize within 1 s');
  abort.abort(new Error('enough'));
  await Promise.allSettled(opening);
  source.close();
});

test.each([
  [60_000, 300_000],
  [400_000, 400_000],
])('a process for which calls wait %d ms may be starting for %d ms', (connectMs, maxMs) => {
  const source = new StdioSessionSource(serverConfig({ url: undefined, command: 'npx' }), {
    logger: { debug() {}, info() {}, warn() {} },
    bytes: { sent: 0, received: 0 },
    stateDirectory: null,
    verdicts: new EraVerdicts(new LastingMap(1, null)),
    quote: (text) => text,
    onStart() {},
  });
  expect(source.maxOpenMs(connectMs)).toBe(maxMs);
});
