import { describe, expect, test } from 'bun:test';
import { parseMessage } from '../../../../src/protocol/messages.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { UpstreamFailure } from '../../../../src/upstream/failure.ts';
import { playedSession } from '../../../support/played-session.ts';

const initialized = '"result":{"protocolVersion":"2025-11-25","capabilities":{}}';

test('an upstream that refuses to initialize does not count as seen', async () => {
  for (const refusal of ['"error":{"code":1,"message":"a"}', '"result":{"protocolVersion":"a"}']) {
    const { session, answer, seen } = playedSession();
    const opened = session.open(new Abort());
    await Bun.sleep(0);
    answer(0, refusal);
    await expect(opened).rejects.toBeInstanceOf(UpstreamFailure);
    expect(seen).toEqual([]);
  }
});

test('an upstream counts as seen with each answer after the handshake', async () => {
  const { session, call, answer, seen } = playedSession();
  const opened = session.open(new Abort());
  await Bun.sleep(0);
  answer(0, initialized);
  await opened;
  call();
  answer(1, '"result":{}');
  expect(seen).toEqual([2]);
});

describe('a call', () => {
  test('is sent under an id of its own, and gets what the upstream answers', () => {
    const { call, answer, requests } = playedSession();
    const [first, second] = [call(), call()];
    expect(requests[0]?.id).not.toBe(requests[1]?.id);
    expect(JSON.parse(requests[1]?.body as string)).toEqual({
      jsonrpc: '2.0',
      id: requests[1]?.id,
      method: 'tools/call',
      params: { name: 'a' },
    });
    answer(1, '"result":{"b":2}');
    answer(0, '"error":{"code":1,"message":"a"}');
    expect(first.told).toEqual(['{"code":1,"message":"a"}']);
    expect(second.told).toEqual(['{"b":2}']);
  });

  test('is told of progress under its own token, in place of which the upstream sees our id', () => {
    const { session, call, requests } = playedSession();
    const { notified } = call(undefined, undefined, '{"name":"a","_meta":{"progressToken":"t"}}');
    const { id, body } = requests[0] as (typeof requests)[number];
    expect(JSON.parse(body).params).toEqual({ name: 'a', _meta: { progressToken: id } });
    const progress = { progressToken: id, progress: 1 };
    const notification = { jsonrpc: '2.0', method: 'notifications/progress', params: progress };
    void session.onMessage(parseMessage(JSON.stringify(notification)), id);
    expect(notified.map((text) => JSON.parse(text).progressToken)).toEqual(['t']);
  });

  test('is told once what comes of it, whichever stream that is on', () => {
    const { session, call, answer, requests, oddities } = playedSession();
    const { told } = call();
    requests[0]?.done.defer();
    const text = `{"jsonrpc":"2.0","id":"${requests[0]?.id}","result":{"a":1}}`;
    void session.onMessage(parseMessage(text), null);
    expect(told).toEqual(['{"a":1}']);
    void session.onMessage(parseMessage(text), null);
    answer(0, '"result":{"a":2}');
    requests[0]?.done.reject(new Error('late'));
    expect(told).toEqual(['{"a":1}']);
    expect(oddities).toEqual(['it answers a request that is unknown or has ended']);
  });

  test('that was accepted is told when its client gives it up', () => {
    const { call, requests, notices } = playedSession();
    const { told, abort } = call();
    requests[0]?.done.defer();
    abort.abort();
    expect(told).toEqual(['cancelled']);
    expect(notices[0]).toContain('notifications/cancelled');
  });

  test('that was accepted fails when no stream is left, and no other does', () => {
    const { session, call, answer, requests } = playedSession();
    const [first, second] = [call(), call()];
    requests[0]?.done.defer();
    session.onDeaf(new UpstreamFailure('broken', 'its event stream ended'));
    expect([first.told, second.told]).toEqual([['broken'], []]);
    answer(1, '"result":{}');
    expect(second.told).toEqual(['{}']);
  });

  test.each([false, true])('fails when the transport is gone: accepted before: %p', (accepted) => {
    const { session, call, requests } = playedSession();
    const { told } = call();
    if (accepted) requests[0]?.done.defer();
    session.onClosed(new UpstreamFailure('broken', 'its event stream ended'));
    expect(told).toEqual(['broken']);
  });

  test('fails at once by a bad response that bears its id, and by no other bad message', () => {
    const { session, call, requests, oddities } = playedSession();
    const { told } = call();
    const id = requests[0]?.id;
    const send = (text: string) => void session.onMessage(parseMessage(text), null);
    send(`{"jsonrpc":"2.0","id":${id},"method":"roots/list","params":7}`);
    send(`{"jsonrpc":"2.0","id":${id}}`);
    send('{"type":"heartbeat"}');
    expect(told).toEqual([]);
    send(`{"jsonrpc":"2.0","id":"${id}","result":7}`);
    expect(told).toEqual(['protocol']);
    expect(oddities).toEqual([
      'it sends something that is not JSON-RPC: "params" must be an object',
      'it sends something that is not JSON-RPC: a message needs a "method", or one of "result" and "error"',
      'it sends something that is not JSON-RPC: "jsonrpc" must be "2.0"',
    ]);
  });

  test('that its client has given up already is not sent', () => {
    const { call, requests } = playedSession();
    const abort = new Abort();
    abort.abort();
    expect(call(abort).told).toEqual(['cancelled']);
    expect(requests).toEqual([]);
  });

  test('that its client gives up is cancelled upstream', () => {
    const { call, requests, notices } = playedSession();
    const { told, abort } = call();
    abort.abort();
    requests[0]?.done.reject(abort.reason);
    expect(told).toEqual(['cancelled']);
    expect(JSON.parse(notices[0] as string)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: requests[0]?.id, reason: 'the request was cancelled' },
    });
  });

  test('that its client gives up while its stream is open is cancelled, and the stream left to the upstream', async () => {
    const { call, answer, requests, notices } = playedSession();
    const { told, abort } = call();
    requests[0]?.done.begin();
    abort.abort();
    expect(told).toEqual(['cancelled']);
    expect(JSON.parse(notices[0] as string).method).toBe('notifications/cancelled');
    expect(requests[0]?.signal.aborted).toBe(false);
    answer(0, '"result":{}');
    expect(told).toEqual(['cancelled']);
    await Bun.sleep(5_200);
    expect(requests[0]?.signal.aborted).toBe(true);
  });

  test('has no deadline any more when it is answered', async () => {
    const { call, answer, requests, notices } = playedSession();
    const [first, second] = [call(new Abort(), 20), call(new Abort(), 20)];
    answer(0, '"result":{}');
    await Bun.sleep(200);
    expect([first.told, second.told]).toEqual([['{}'], ['timeout']]);
    expect(second.abort.aborted).toBe(false);
    const [, { signal }] = requests as [unknown, (typeof requests)[number]];
    expect((signal.reason as UpstreamFailure).message).toBe('did not answer within 0.02 s');
    expect(notices.map((text) => JSON.parse(text).params)).toEqual([
      { requestId: requests[1]?.id, reason: 'did not answer within 0.02 s' },
    ]);
  });

  test('beyond 65,536 in flight is refused, until one of them is over', () => {
    const { call, answer, requests } = playedSession();
    for (let i = 0; i < 65_536; i++) call();
    expect(call().told).toEqual(['busy']);
    answer(7, '"result":{}');
    expect(call().told).toEqual([]);
    expect(requests.length).toBe(65_537);
    for (let at = 0; at < requests.length; at++) if (at !== 7) answer(at, '"result":{}');
  });
});
