import { describe, expect, test } from 'bun:test';
import { cacheHintsOf } from '../../../../src/downstream/modern/caching.ts';
import { hasNegotiated } from '../../../../src/downstream/modern/extensions.ts';
import {
  ModernCall,
  type ModernCallParts,
  type Retry,
} from '../../../../src/downstream/modern/modern-call.ts';
import type { Reply } from '../../../../src/downstream/reply.ts';
import type { Caller } from '../../../../src/protocol/caller.ts';
import type { Exchange } from '../../../../src/protocol/exchange.ts';
import { parseMessage, type RequestMessage } from '../../../../src/protocol/messages.ts';

/** What a client gets for a request that `handle` serves. */
function answerOf(
  handle: (exchange: Exchange) => void,
  { method = 'tools/call', capabilities = '{}', retry = null as Retry | null } = {},
) {
  const sent: unknown[] = [];
  const parts = {
    router: { handle },
    metrics: { request() {} },
    logger: { error() {} },
    log: { isDebug: false },
    rounds: { resume: (call: Exchange) => handle(call) },
    cacheHints: (call: ModernCall, answer: Parameters<ModernCall['answer']>[0]) =>
      cacheHintsOf({ view: () => undefined } as never, call, answer),
    hasNegotiated,
  } as unknown as ModernCallParts;
  const reply = {
    notify: (text: string) => void sent.push(JSON.parse(text)),
    answer: (text: string, status = 200) => void sent.push(status, JSON.parse(text)),
  } as unknown as Reply;
  const message = parseMessage(`{"jsonrpc":"2.0","id":1,"method":"${method}"}`) as RequestMessage;
  const caller = { capabilities, logLevel: null, principal: 'none', view: '' } as unknown as Caller;
  new ModernCall(parts, message, caller, reply, retry).start();
  return sent;
}

describe('a result of a type of its own', () => {
  const task = (exchange: Exchange) =>
    exchange.answer({ kind: 'result', payload: '{"taskId":"t"}', resultType: 'task' });
  const odd = (exchange: Exchange) => exchange.answer({ kind: 'result', payload: '{}', resultType: 'odd' });
  const extensions = (...ids: string[]) =>
    JSON.stringify({ extensions: Object.fromEntries(ids.map((id) => [id, {}])) });

  test('reaches a client that has declared its extension', () => {
    const sent = answerOf(task, { capabilities: extensions('io.modelcontextprotocol/tasks') });
    expect(sent).toMatchObject([200, { result: { taskId: 't', resultType: 'task' } }]);
    expect(answerOf(odd, { capabilities: extensions('com.example/odd') })).toMatchObject([
      200,
      { result: { resultType: 'odd' } },
    ]);
  });

  test('is an error to other clients', () => {
    for (const sent of [
      answerOf(task),
      answerOf(task, { capabilities: extensions('io.modelcontextprotocol/ui') }),
      answerOf(odd),
    ])
      expect(sent).toMatchObject([200, { error: { code: -32603 } }]);
  });
});

test('a result of a retry is not to be cached, whatever its server says', () => {
  const read = (exchange: Exchange) =>
    exchange.answer({ kind: 'result', payload: '{}', cache: { ttlMs: 9_000, scope: 'public' } });
  const method = 'resources/read';
  expect(answerOf(read, { method })).toMatchObject([200, { result: { ttlMs: 9_000, cacheScope: 'public' } }]);
  const retry = { inputResponses: '{}', requestState: undefined };
  expect(answerOf(read, { method, retry })).toMatchObject([
    200,
    { result: { ttlMs: 0, cacheScope: 'private' } },
  ]);
});

test('what only clients of the legacy era know is not sent', () => {
  const sent = answerOf((exchange) => {
    exchange.notify('notifications/elicitation/complete', '{"elicitationId":"e"}');
    exchange.notify('notifications/progress', '{"progress":1}');
    exchange.notify('notifications/message', '{"level":"error"}');
  });
  expect(sent).toMatchObject([{ method: 'notifications/progress' }]);
});
