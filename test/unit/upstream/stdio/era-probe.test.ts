import { expect, test } from 'bun:test';
import { parseMessage } from '../../../../src/protocol/messages.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { EraProbe } from '../../../../src/upstream/stdio/era-probe.ts';
import type { WriteCompletion } from '../../../../src/upstream/transport/stdio.ts';
import type { TransportEvents } from '../../../../src/upstream/transport/transport.ts';
import { within } from '../../../support/wait.ts';

interface Written {
  readonly id: number;
  readonly method: string;
}

/** A probe of a process that a test plays: `onWrite` gets each message, and what answers it. */
function probeOf(onWrite: (message: Written, answer: (body: object) => void) => void) {
  const methods: string[] = [];
  let receiver: TransportEvents | null = null;
  const process = {
    closedBy: null,
    attach: (events: TransportEvents) => {
      receiver = events;
    },
    write(body: string, done: WriteCompletion) {
      const message = JSON.parse(body) as Written;
      methods.push(message.method);
      done.onWritten();
      onWrite(message, (answer) => {
        const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer });
        void receiver?.onMessage(parseMessage(text), null);
      });
    },
    end: async () => {},
  };
  const events = {
    instance: 'this',
    quote: (text: string) => text,
    client: null,
    wantsChanges: true,
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
  return { probe: new EraProbe(process, events, 2_000), methods };
}

const discovered = { supportedVersions: ['2026-07-28'], capabilities: { tools: { listChanged: true } } };

test('a modern server gets no initialize because its stream of notifications is slow to open', async () => {
  const { probe, methods } = probeOf(({ method }, answer) => {
    if (method === 'server/discover') setTimeout(() => answer({ result: discovered }), 1_500);
  });
  expect((await probe.open(new Abort()))?.era).toBe('modern');
  expect(methods).toEqual(['server/discover', 'subscriptions/listen']);
});

test('a server that refuses initialize with -32022 is modern, and its late answer to what came first counts', async () => {
  const error = { code: -32022, message: 'Unsupported', data: { supported: ['2026-07-28'] } };
  const late: (() => void)[] = [];
  const { probe, methods } = probeOf(({ method }, answer) => {
    if (method === 'server/discover') late.push(() => answer({ result: discovered }));
    if (method !== 'initialize') return;
    answer({ error });
    setTimeout(() => late[0]?.(), 300);
  });
  expect((await probe.open(new Abort()))?.era).toBe('modern');
  expect(methods).toEqual(['server/discover', 'initialize', 'subscriptions/listen']);
});

test('a server that drops initialize, which it does not know, is modern by its late answer to what came first', async () => {
  const { probe, methods } = probeOf(({ method }, answer) => {
    if (method === 'server/discover') setTimeout(() => answer({ result: discovered }), 2_300);
  });
  const session = await within('the session', probe.open(new Abort()), 8_000);
  expect(session?.era).toBe('modern');
  expect(methods).toEqual(['server/discover', 'initialize', 'subscriptions/listen']);
}, 15_000);

test('a server that is silent for 2 s gets initialize, too, in the same process', async () => {
  const { probe, methods } = probeOf(({ method }, answer) => {
    if (method === 'initialize')
      answer({
        result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'a', version: '1' } },
      });
  });
  const startMs = performance.now();
  expect((await probe.open(new Abort()))?.era).toBe('legacy');
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(1_990);
  expect(methods).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
});
