import { expect, test } from 'bun:test';
import { parseMessage } from '../../../../src/protocol/messages.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { EraProbe } from '../../../../src/upstream/stdio/era-probe.ts';
import type { TransportEvents } from '../../../../src/upstream/transport/transport.ts';

test('a modern server gets no initialize because its stream of notifications is slow to open', async () => {
  const methods: string[] = [];
  let receiver: TransportEvents | null = null;
  const answer = (id: number, result: object) =>
    void receiver?.onMessage(parseMessage(JSON.stringify({ jsonrpc: '2.0', id, result })), null);
  const probe = new EraProbe(
    {
      closedBy: null,
      attach: (events) => {
        receiver = events;
      },
      write(body, done) {
        const { id, method } = JSON.parse(body);
        methods.push(method);
        done.onWritten();
        const capabilities = { tools: { listChanged: true } };
        if (method === 'server/discover')
          setTimeout(() => answer(id, { supportedVersions: ['2026-07-28'], capabilities }), 1_500);
      },
      end: async () => {},
    },
    {
      instance: 'this',
      quote: (text) => text,
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
    },
  );
  const session = await probe.open(new Abort());
  expect(session?.era).toBe('modern');
  expect(methods).toEqual(['server/discover', 'subscriptions/listen']);
});
