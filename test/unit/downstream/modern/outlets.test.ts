import { expect, test } from 'bun:test';
import type { ModernCall } from '../../../../src/downstream/modern/modern-call.ts';
import { Outlets } from '../../../../src/downstream/modern/outlets.ts';
import { GatewayError } from '../../../../src/errors.ts';
import { ObjectText } from '../../../../src/json/object.ts';

/** A request of a client, and what it gets. */
function request(token?: string) {
  const got: unknown[] = [];
  const call = {
    meta: token === undefined ? undefined : new ObjectText(`{"progressToken":${token}}`),
    send: (method: string, params?: string) => void got.push([method, params]),
    complete: ({ payload }: { payload: string }) => void got.push(payload),
    completeWith: ({ message }: GatewayError) => void got.push(message),
  } as unknown as ModernCall;
  return { call, got };
}

test('the latest request gets notifications, and progress with its own token', () => {
  const [first, second, third] = [request('1'), request('"b"'), request()];
  const outlets = new Outlets(first.call);
  const progress = () => outlets.notify('notifications/progress', '{"progressToken":1,"progress":5}');
  progress();
  outlets.add(second.call);
  progress();
  outlets.add(third.call);
  progress();
  outlets.notify('notifications/message', '{}');
  expect(first.got).toEqual([['notifications/progress', '{"progressToken":1,"progress":5}']]);
  expect(second.got).toEqual([['notifications/progress', '{"progressToken":"b","progress":5}']]);
  expect(third.got).toEqual([['notifications/message', '{}']]);
});

test('all requests get the answer, once', () => {
  const [first, second, gone] = [request(), request(), request()];
  const outlets = new Outlets(first.call);
  outlets.add(second.call);
  outlets.add(gone.call);
  outlets.remove(gone.call);
  outlets.answer({ kind: 'result', payload: '{}' });
  outlets.end(new GatewayError('internal', 'late'));
  expect([first.got, second.got, gone.got]).toEqual([['{}'], ['{}'], []]);
  expect(outlets.notify('notifications/message', '{}')).toBeUndefined();
  expect(outlets.size).toBe(0);
});

test('a ninth request gives up the first', () => {
  const requests = Array.from({ length: 9 }, () => request());
  const outlets = new Outlets(requests[0]!.call);
  for (const { call } of requests.slice(1)) outlets.add(call);
  outlets.answer(new GatewayError('internal', 'failed'));
  expect(requests[0]?.got).toEqual([expect.stringContaining('only the latest requests get the answer')]);
  expect(requests.slice(1).every(({ got }) => got.join() === 'failed')).toBe(true);
});
