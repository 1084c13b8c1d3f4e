import { describe, expect, test } from 'bun:test';
import { nextTurn, type Outgoing, Turn, tellEach, type Work } from '../../../src/runtime/send-batch.ts';

/** A turn with as many requests under way, and a log of what it did. */
function turnWith(requests: number) {
  const faults: unknown[] = [];
  const turn = new Turn((error) => void faults.push(error));
  for (let i = 0; i < requests; i++) turn.began();
  const log: string[] = [];
  const message = (name: string): Outgoing => ({ send: () => void log.push(`sent ${name}`) });
  const work = (name: string, then?: () => void): Work => ({
    work() {
      log.push(`did ${name}`);
      then?.();
    },
  });
  return { turn, log, message, work, faults };
}

describe('what a turn brings', () => {
  test('is done at once where one request alone is under way', () => {
    const { turn, log, message, work } = turnWith(1);
    turn.take(work('a'));
    turn.send(message('b'));
    expect(log).toEqual(['did a', 'sent b']);
  });

  test('is done at its end where several are, the work before the sending, each in the order in which it came', async () => {
    const { turn, log, message, work } = turnWith(2);
    turn.send(message('a'));
    turn.take(work('b'));
    turn.send(message('c'));
    turn.take(work('d'));
    expect(log).toEqual([]);
    await nextTurn();
    expect(log).toEqual(['did b', 'did d', 'sent a', 'sent c']);
    await nextTurn();
    expect(log).toHaveLength(4);
  });

  test('is done at once again when all requests but one are over', async () => {
    const { turn, log, message } = turnWith(2);
    turn.send(message('a'));
    await nextTurn();
    turn.ended();
    turn.send(message('b'));
    expect(log).toEqual(['sent a', 'sent b']);
  });

  test('waits with what is waiting already, though only one request is left', async () => {
    const { turn, log, message } = turnWith(2);
    turn.send(message('a'));
    turn.ended();
    turn.send(message('b'));
    expect(log).toEqual([]);
    await nextTurn();
    expect(log).toEqual(['sent a', 'sent b']);
  });

  test('is done in the same turn where work brings it, be it work or to be sent', async () => {
    const { turn, log, message, work } = turnWith(2);
    turn.take(
      work('a', () => {
        turn.take(work('b'));
        turn.send(message('c'));
      }),
    );
    await nextTurn();
    expect(log).toEqual(['did a', 'did b', 'sent c']);
  });

  test('is done though other things of the turn are faulty, and so is what later turns bring', async () => {
    const { turn, log, message, work, faults } = turnWith(2);
    const fail = (what: string) => () => {
      throw what;
    };
    turn.take({ work: fail('work') });
    turn.take(work('a'));
    turn.send({ send: fail('sending') });
    turn.send(message('b'));
    await nextTurn();
    expect(log).toEqual(['did a', 'sent b']);
    expect(faults).toEqual(['work', 'sending']);
    turn.take(work('c'));
    turn.send(message('d'));
    await nextTurn();
    expect(log).toEqual(['did a', 'sent b', 'did c', 'sent d']);
  });

  test('waits for the next end where the sending brings it', async () => {
    const { turn, log, message } = turnWith(2);
    turn.send({ send: () => turn.send(message('a')) });
    turn.send(message('b'));
    await nextTurn();
    expect(log).toEqual(['sent b']);
    await nextTurn();
    expect(log).toEqual(['sent b', 'sent a']);
  });
});

test('thousands are told of something sixteen in a turn, so that all else goes on', async () => {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  count();
  const toldInTurn = new Map<number, number>();
  const members = Array.from({ length: 100 }, (_, index) => index);
  const told: number[] = [];
  await tellEach(members, (member) => {
    told.push(member);
    toldInTurn.set(turns, (toldInTurn.get(turns) ?? 0) + 1);
  });
  over = true;
  expect(told).toEqual(members);
  expect([...toldInTurn.values()]).toEqual([16, 16, 16, 16, 16, 16, 4]);
});
