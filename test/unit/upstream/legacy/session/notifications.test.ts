import { expect, test } from 'bun:test';
import { sessionlessCaller } from '../../../../../src/protocol/caller.ts';
import type { Severity } from '../../../../../src/protocol/severity.ts';
import { playedSession } from '../../../../support/played-session.ts';

const log = { method: 'notifications/message', params: { level: 'info', data: 'a' } };
const one = { clientInfo: '{}', capabilities: '{}' };

test('a log message goes to the call on whose stream it comes', () => {
  const { call, receive, requests, dropped } = playedSession();
  const [first, second] = [call(), call()];
  receive(log, requests[1]?.id);
  expect([first.notified, second.notified]).toEqual([[], ['{"level":"info","data":"a"}']]);
  expect(dropped).toEqual([]);
});

test('a log message on a shared stream goes to the only running call, else it is dropped and counted', () => {
  const { call, receive, dropped } = playedSession();
  receive(log);
  const first = call();
  receive(log);
  call();
  receive(log);
  expect(first.notified).toHaveLength(1);
  expect(dropped).toHaveLength(2);
});

test('an unknown notification goes to the call on whose stream it comes, and to nobody from a shared one', () => {
  const { call, receive, requests } = playedSession();
  const { notifiedMethods } = call();
  receive({ method: 'notifications/weather', params: {} }, requests[0]?.id);
  receive({ method: 'notifications/weather', params: {} });
  expect(notifiedMethods).toEqual(['notifications/weather']);
});

test('progress is passed on only while its request is open, also if its token comes back as text', () => {
  const { call, answer, receive, requests } = playedSession();
  const { notified } = call(undefined, undefined, '{"_meta":{"progressToken":"mine"}}');
  const progress = (token: unknown) =>
    receive({ method: 'notifications/progress', params: { progressToken: token, progress: 1 } });
  const id = requests[0]?.id;
  progress(String(id));
  progress(id);
  answer(0, '"result":{}');
  progress(id);
  expect(notified).toEqual(Array(2).fill('{"progressToken":"mine","progress":1}'));
});

/** The levels that the upstream is asked for when clients of these levels call, one after another. */
async function levelsAskedFor(client: typeof one | null, capabilities: string, levels: (Severity | null)[]) {
  const { call, answer, open, requests } = playedSession(client);
  await open(capabilities);
  for (const logLevel of levels) {
    const at = requests.length;
    call(undefined, undefined, '{}', { ...sessionlessCaller('none', ''), logLevel });
    if (requests[at]?.body.includes('logging/setLevel')) answer(at, '"result":{}');
    await Bun.sleep(0);
  }
  const bodies = requests.slice(1).map(({ body }) => JSON.parse(body));
  return bodies.map(({ method, params }) => (method === 'tools/call' ? 'call' : params.level));
}

test('the level of log messages is raised before the call of a client that wants more', async () => {
  const levels: (Severity | null)[] = [null, 'warning', 'error', 'debug', 'info', 'debug'];
  expect(await levelsAskedFor(null, '{"logging":{}}', levels)).toEqual([
    ...['call', 'warning', 'call', 'call', 'debug', 'call', 'call', 'call'],
  ]);
});

test('the level of a session with one client follows that client', async () => {
  expect(await levelsAskedFor(one, '{"logging":{}}', ['debug', 'error', 'error'])).toEqual([
    ...['debug', 'call', 'error', 'call', 'call'],
  ]);
});

test('a server that does not declare logging is not asked', async () => {
  expect(await levelsAskedFor(null, '{}', ['debug', 'debug'])).toEqual(['call', 'call']);
});
