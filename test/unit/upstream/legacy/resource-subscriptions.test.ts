import { describe, expect, test } from 'bun:test';
import { parseMessage, type ResponseMessage } from '../../../../src/protocol/messages.ts';
import { Abort, type Signal } from '../../../../src/runtime/abort.ts';
import type { UpstreamFailure } from '../../../../src/upstream/failure.ts';
import { ResourceSubscriptions } from '../../../../src/upstream/legacy/resource-subscriptions.ts';
import { settle, waitUntil } from '../../../support/wait.ts';

const answer = (end: string) => parseMessage(`{"jsonrpc":"2.0","id":1,${end}}`) as ResponseMessage;

/** Subscriptions at a server that answers when the test says so. */
function start(unwatchedMs?: number) {
  const asked: string[] = [];
  const open: PromiseWithResolvers<ResponseMessage>[] = [];
  const own = {
    ask(method: string, paramsText: string, _timeoutMs: number, signal: Signal) {
      const { uri } = JSON.parse(paramsText);
      asked.push(`${method === 'resources/subscribe' ? '+' : '-'}${uri}`);
      const done = Promise.withResolvers<ResponseMessage>();
      open.push(done);
      signal.addEventListener('abort', () => done.reject(signal.reason), { once: true });
      return done.promise;
    },
  };
  const subscriptions = new ResourceSubscriptions(own, unwatchedMs);
  const subscribe = (uri = 'x:1', timeoutMs = 10_000, signal: Signal = new Abort()) =>
    subscriptions.subscribe(uri, timeoutMs, signal).then(() => 'subscribed', String);
  /** Answers the oldest open request. */
  const accept = async (end = '"result":{}') => {
    open.shift()?.resolve(answer(end));
    await settle();
  };
  return { asked, subscriptions, subscribe, accept };
}

describe('the requests for one resource', () => {
  test('are sent one at a time: a subscription follows the end of the last one', async () => {
    const { asked, subscriptions, subscribe, accept } = start();
    subscriptions.unsubscribe('x:1');
    const outcome = subscribe();
    void subscribe('x:2');
    expect(asked).toEqual(['-x:1', '+x:2']);
    await accept();
    expect(asked).toEqual(['-x:1', '+x:2', '+x:1']);
    await accept();
    await accept();
    expect(await outcome).toBe('subscribed');
  });

  test('are as few as possible: what changes while one is open counts as a whole', async () => {
    const { asked, subscriptions, subscribe, accept } = start();
    const first = subscribe();
    subscriptions.unsubscribe('x:1');
    const second = subscribe();
    await accept();
    expect([await first, await second]).toEqual(['subscribed', 'subscribed']);
    expect(asked).toEqual(['+x:1']);
    subscriptions.unsubscribe('x:1');
    subscriptions.unsubscribe('x:1');
    await accept();
    expect(asked).toEqual(['+x:1', '-x:1']);
  });
});

describe('a subscription', () => {
  test('that is given up is ended once the server has made it', async () => {
    const { asked, subscriptions, subscribe, accept } = start();
    const abort = new Abort();
    const outcome = subscribe('x:1', 10_000, abort);
    abort.abort();
    expect(await outcome).toContain('cancelled');
    subscriptions.unsubscribe('x:1');
    await settle();
    expect(asked).toEqual(['+x:1']);
    await accept();
    expect(asked).toEqual(['+x:1', '-x:1']);
  });

  test('keeps no session that ends, unless somebody waits for it', async () => {
    const { asked, subscriptions, subscribe, accept } = start();
    const abort = new Abort();
    const outcomes = [subscribe('x:1', 10_000, abort), subscribe('x:2')];
    abort.abort();
    subscriptions.unsubscribe('x:1');
    subscriptions.unsubscribe('x:3');
    subscriptions.close();
    await settle();
    expect(asked).toEqual(['+x:1', '+x:2', '-x:3']);
    expect(await outcomes[0]).toContain('cancelled');
    await accept();
    await accept();
    expect(await outcomes[1]).toBe('subscribed');
    subscriptions.unsubscribe('x:1');
    expect(asked).toEqual(['+x:1', '+x:2', '-x:3']);
  });

  test('that the server refuses is not ended, and refuses nobody who came later', async () => {
    const { asked, subscriptions, subscribe, accept } = start();
    const first = subscriptions.subscribe('x:1', 10_000, new Abort()).catch((error: unknown) => error);
    const second = subscribe();
    await accept('"error":{"code":-32002,"message":"gone"}');
    expect(((await first) as UpstreamFailure).answer?.error?.code).toBe(-32002);
    expect(asked).toEqual(['+x:1', '+x:1']);
    await accept('"error":{"code":-32002,"message":"gone"}');
    expect(await second).toContain('-32002');
    subscriptions.unsubscribe('x:2');
    expect(asked).toEqual(['+x:1', '+x:1', '-x:2']);
  });

  test('that is not answered fails in time, and keeps the next one waiting for a short time only', async () => {
    const { asked, subscribe, accept } = start(20);
    expect(await subscribe('x:1', 50)).toContain('did not answer within 0.05 s');
    const next = subscribe();
    expect(asked).toEqual(['+x:1']);
    await waitUntil('the next request', () => asked.length === 2);
    await accept();
    await accept();
    expect(await next).toBe('subscribed');
  });
});
