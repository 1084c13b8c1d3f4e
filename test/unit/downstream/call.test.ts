import { describe, expect, test } from 'bun:test';
import type { CallParts } from '../../../src/downstream/call.ts';
import { LegacyCall } from '../../../src/downstream/legacy/legacy-call.ts';
import type { Session } from '../../../src/downstream/legacy/session.ts';
import type { Reply } from '../../../src/downstream/reply.ts';
import { GatewayError } from '../../../src/errors.ts';
import { sessionlessCaller } from '../../../src/protocol/caller.ts';
import type { Exchange } from '../../../src/protocol/exchange.ts';
import { parseMessage, type RequestMessage } from '../../../src/protocol/messages.ts';

/** A call that `handle` answers, and a log of what becomes of it. */
function callTo(handle: (exchange: Exchange) => void, method = 'tools/call') {
  const sent: unknown[] = [];
  const counted: unknown[] = [];
  const logged: unknown[] = [];
  const parts = {
    router: { handle },
    metrics: { request: (label: string, ok: boolean) => void counted.push([label, ok]) },
    logger: { error: (message: string) => void logged.push(message) },
    log: { isDebug: false },
  } as unknown as CallParts;
  const reply = {
    notify: (message: string) => void sent.push(JSON.parse(message)),
    answer: (answer: string) => void sent.push(JSON.parse(answer)),
  } as unknown as Reply;
  const session = {
    addCall: () => void counted.push('started'),
    removeCall: () => void counted.push('ended'),
  } as unknown as Session;
  const text = `{"jsonrpc":"2.0","id":"a","method":"${method}","params":{"_meta":{"k":1}}}`;
  const message = parseMessage(text) as RequestMessage;
  const call = new LegacyCall(parts, message, sessionlessCaller('none', ''), session, reply);
  return { call, sent, counted, logged };
}

describe('a call', () => {
  test('sends notifications, then the answer with the id of its request', () => {
    const { call, sent, counted } = callTo((exchange) => {
      exchange.notify('notifications/progress', '{"progress":1}');
      exchange.answer({ kind: 'result', payload: '{"b":1}' });
    });
    call.start();
    expect(sent).toEqual([
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } },
      { jsonrpc: '2.0', id: 'a', result: { b: 1 } },
    ]);
    expect(counted).toEqual(['started', 'ended', ['tools/call', true]]);
  });

  test('reports a failure, and logs an unexpected one in place of showing it', () => {
    const refused = callTo(() => {
      throw new GatewayError('invalid_params', 'no such tool');
    });
    const broken = callTo(() => {
      throw new Error('secret');
    });
    for (const { call } of [refused, broken]) call.start();
    expect(refused.sent).toMatchObject([{ id: 'a', error: { code: -32602, message: 'no such tool' } }]);
    expect(broken.sent).toMatchObject([
      { error: { code: -32603, message: expect.not.stringMatching('secret') } },
    ]);
    expect([refused.logged.length, broken.logged.length]).toEqual([0, 1]);
  });

  test('is aborted when its client is gone', () => {
    const { call } = callTo(() => {});
    call.start();
    expect(call.runningCalls).toEqual([call]);
    call.onReplyGone();
    expect(call.signal.aborted).toBe(true);
  });

  test('is not aborted once it has its answer', () => {
    const { call } = callTo((exchange) => exchange.answer({ kind: 'result', payload: '{}' }));
    call.start();
    call.cancel();
    call.onReplyGone();
    expect(call.runningCalls).toEqual([]);
    expect(call.signal.aborted).toBe(false);
  });

  test('that would initialize is refused, because only a batch can contain it', () => {
    const { call, sent } = callTo(() => {}, 'initialize');
    call.start();
    expect(sent).toMatchObject([{ error: { code: -32600 } }]);
  });
});
