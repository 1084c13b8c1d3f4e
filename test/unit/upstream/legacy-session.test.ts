import { describe, expect, test } from 'bun:test';
import { Abort } from '../../../src/abort.ts';
import { parseMessage, type ResponseMessage } from '../../../src/protocol/jsonrpc.ts';
import { ObjectText } from '../../../src/protocol/object-text.ts';
import type { UpstreamFailure } from '../../../src/upstream/failure.ts';
import { LegacySession } from '../../../src/upstream/legacy-session.ts';
import type { AnswerTaker, Transport } from '../../../src/upstream/transport/transport.ts';

/** A session whose transport a test plays, and what it sent. */
function playedSession() {
  const requests: { id: number; body: string; taker: AnswerTaker }[] = [];
  const notices: string[] = [];
  const transport: Transport = {
    name: 'played',
    open: async () => {},
    request: (id, body, _signal, taker) => void requests.push({ id, body, taker }),
    send: async (body) => void notices.push(body),
    initialized() {},
    close: async () => {},
  };
  const session = new LegacySession(() => transport, {
    instance: 'this',
    quote: (text) => text,
    onToolsChanged() {},
    onToolFaults() {},
    onClosed() {},
    onSuspect() {},
    onSeen() {},
  });
  /** Calls, and tells what comes of it. */
  const call = (abort = new Abort(), timeoutMs = 60_000, paramsText = '{"name":"a"}') => {
    const told: (string | ResponseMessage)[] = [];
    const taker = {
      onAnswer: (answer: ResponseMessage) => void told.push(answer.text),
      onFailure: (reason: unknown) => void told.push((reason as UpstreamFailure).kind),
    };
    const notified: string[] = [];
    const notify = (message: string) => void notified.push(message);
    const exchange = {
      methodText: '"tools/call"',
      meta: new ObjectText(paramsText).object('_meta'),
      abort,
      notify,
    };
    session.call(exchange, paramsText, timeoutMs, taker);
    return { told, abort, notified };
  };
  const answer = (at: number, outcome: string) => {
    const { id, taker } = requests[at] as (typeof requests)[number];
    const text = `{"jsonrpc":"2.0","id":${id},${outcome}}`;
    taker.onAnswer(parseMessage(text) as ResponseMessage);
  };
  return { session, call, answer, requests, notices };
}

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
    expect(notified.map((text) => JSON.parse(text).params.progressToken)).toEqual(['t']);
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
    requests[0]?.taker.onFailure(abort.reason);
    expect(told).toEqual(['cancelled']);
    expect(JSON.parse(notices[0] as string)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: requests[0]?.id, reason: 'the request was cancelled' },
    });
  });

  test('has no deadline any more when it is answered', async () => {
    const { call, answer } = playedSession();
    const [first, second] = [call(new Abort(), 20), call(new Abort(), 20)];
    answer(0, '"result":{}');
    await Bun.sleep(200);
    expect([first.abort.aborted, second.abort.aborted]).toEqual([false, true]);
    expect((second.abort.reason as UpstreamFailure).message).toBe('did not answer within 0.02 s');
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
