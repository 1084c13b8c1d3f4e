import { expect, test } from 'bun:test';
import { type Caller, sessionlessCaller } from '../../../../src/protocol/caller.ts';
import { playedSession } from '../../../support/played-session.ts';

/** A client with a channel, and what it was told there. */
function listeningClient() {
  const told: [string, string | undefined][] = [];
  const channel = { notify: (method: string, text?: string) => void told.push([method, text]) };
  const caller: Caller = { ...sessionlessCaller('none', ''), sessionId: 's', channel };
  return { told, caller };
}

const complete = (elicitationId: string) => ({
  method: 'notifications/elicitation/complete',
  params: { elicitationId },
});
const url = (elicitationId: string) => ({
  mode: 'url',
  message: 'Go',
  url: 'https://a.example',
  elicitationId,
});

test('the end of an elicitation is told to the client that was asked, outside of its calls, once', () => {
  const { call, receive, requests } = playedSession();
  const [first, second] = [listeningClient(), listeningClient()];
  call(undefined, undefined, '{}', first.caller);
  call(undefined, undefined, '{}', second.caller);
  receive({ id: 1, method: 'elicitation/create', params: url('a') }, requests[0]?.id);
  receive({ id: 2, method: 'elicitation/create', params: url('b') }, requests[1]?.id);
  receive(complete('b'));
  receive(complete('b'));
  receive(complete('unknown'));
  expect(first.told).toEqual([]);
  expect(second.told).toEqual([['notifications/elicitation/complete', '{"elicitationId":"b"}']]);
});

test('so is the end of one that an error required', () => {
  const { call, answer, receive } = playedSession();
  const client = listeningClient();
  const { told } = call(undefined, undefined, '{}', client.caller);
  answer(0, `"error":{"code":-32042,"message":"go","data":{"elicitations":[${JSON.stringify(url('c'))}]}}`);
  expect(told[0]).toContain('-32042');
  receive(complete('c'));
  expect(client.told).toHaveLength(1);
});

test('an error that requires nothing sensible does no harm', () => {
  const { call, answer } = playedSession();
  for (const [at, data] of ['7', '{"elicitations":[1,null]}', '{"elicitations":{}}'].entries()) {
    const { told } = call(undefined, undefined, '{}', listeningClient().caller);
    answer(at, `"error":{"code":-32042,"message":"go","data":${data}}`);
    expect(told).toHaveLength(1);
  }
});

test('a client without a channel is told on the stream of its call, if the message comes there', () => {
  const { call, receive, requests } = playedSession();
  const { notifiedMethods } = call();
  receive({ id: 1, method: 'elicitation/create', params: url('d') }, requests[0]?.id);
  receive(complete('d'));
  receive(complete('d'), requests[0]?.id);
  expect(notifiedMethods).toEqual(['notifications/elicitation/complete']);
});

test('the oldest of more than 10,000 elicitations is forgotten', () => {
  const { call, receive, requests } = playedSession();
  const client = listeningClient();
  const { asked } = call(undefined, undefined, '{}', client.caller);
  for (let at = 0; at <= 10_000; at++) {
    receive({ id: at, method: 'elicitation/create', params: url(`e${at}`) }, requests[0]?.id);
    asked.pop()?.done.resolve({ kind: 'result', text: '{"action":"accept"}' });
  }
  receive(complete('e0'));
  expect(client.told).toEqual([]);
  receive(complete('e1'));
  expect(client.told).toHaveLength(1);
});
