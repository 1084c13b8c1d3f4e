import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { sessionlessCaller } from '../../../src/protocol/caller.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { deadlines } from '../../../src/runtime/deadlines.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { playedSession } from '../../support/played-session.ts';

// Requests share the deadlines of the process, whose clock stands still here.

const { clock: systemClock } = deadlines;
let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
  Object.assign(deadlines, { clock });
});
afterEach(() => {
  // No timer of this clock may be left, or the next one gets none.
  clock.advance(3_600_000);
  Object.assign(deadlines, { clock: systemClock });
});

/** A call with a deadline of a minute, whose server asks its client on the call's own stream. */
async function askedCall() {
  const played = playedSession();
  await played.open();
  const call = played.call(new Abort(), 60_000, '{"name":"a"}', sessionlessCaller('none', ''));
  const ask = (id: number) =>
    played.receive({ id, method: 'elicitation/create', params: { message: 'm' } }, played.requests[1]?.id);
  const sent = () =>
    played.notices.map((text) => JSON.parse(text)).filter((message) => message.id !== undefined);
  return { ...played, ...call, ask, sent };
}

describe('a call whose client is asked', () => {
  test('fails 600 s later than else if the client never answers, and its server hears that nobody did', async () => {
    const { ask, asked, told, sent, notices } = await askedCall();
    clock.advance(20_000);
    ask(7);
    expect(asked).toHaveLength(1);
    clock.advance(639_000);
    expect(told).toEqual([]);
    clock.advance(1_100);
    expect(told).toEqual(['timeout']);
    expect(asked[0]?.question.signal.aborted).toBe(true);
    expect(sent()).toEqual([
      {
        jsonrpc: '2.0',
        id: 7,
        error: { code: -32603, message: 'The call that the request belongs to is over' },
      },
    ]);
    expect(notices.join('\n')).toContain('asked its client something, which was not answered within 600 s');
  });

  test('has the time that was left once all questions are answered', async () => {
    const { ask, asked, told } = await askedCall();
    clock.advance(20_000);
    ask(7);
    ask(8);
    clock.advance(300_000);
    for (const { done } of asked) done.resolve({ kind: 'result', text: '{"action":"cancel"}' });
    clock.advance(39_900);
    expect(told).toEqual([]);
    clock.advance(200);
    expect(told).toEqual(['timeout']);
  });

  test('cannot be kept for ever by a server that asks again and again', async () => {
    const { ask, asked, told } = await askedCall();
    for (let id = 1; id <= 100 && told.length === 0; id++) {
      clock.advance(1_000);
      ask(id);
      asked.at(-1)?.done.resolve({ kind: 'result', text: '{"action":"cancel"}' });
    }
    expect(told).toEqual(['timeout']);
    expect(asked.length).toBeLessThanOrEqual(60);
  });
});
