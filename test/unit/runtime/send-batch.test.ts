import { describe, expect, test } from 'bun:test';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { type Sendable, SendBatch } from '../../../src/runtime/send-batch.ts';

/** A batch with `requests` in flight, and a log of the messages that it sent. */
function batchWith(requests: number) {
  const errors: unknown[] = [];
  const batch = new SendBatch((error) => void errors.push(error));
  for (let i = 0; i < requests; i++) batch.requestStarted();
  const sent: string[] = [];
  const message = (name: string): Sendable => ({ send: () => void sent.push(name) });
  return { batch, sent, message, errors };
}

describe('a message', () => {
  test('is sent at once while a single request is in flight', () => {
    const { batch, sent, message } = batchWith(1);
    batch.add(message('a'));
    expect(sent).toEqual(['a']);
  });

  test('is sent once, in order, at the end of the turn while several requests are in flight', async () => {
    const { batch, sent, message } = batchWith(2);
    batch.add(message('a'));
    batch.add(message('b'));
    expect(sent).toEqual([]);
    await nextTurn();
    expect(sent).toEqual(['a', 'b']);
    await nextTurn();
    expect(sent).toEqual(['a', 'b']);
  });

  test('is sent at once again when only one request is left', async () => {
    const { batch, sent, message } = batchWith(2);
    batch.add(message('a'));
    await nextTurn();
    batch.requestEnded();
    batch.add(message('b'));
    expect(sent).toEqual(['a', 'b']);
  });

  test('joins the messages that already wait, even if only one request is left', async () => {
    const { batch, sent, message } = batchWith(2);
    batch.add(message('a'));
    batch.requestEnded();
    batch.add(message('b'));
    expect(sent).toEqual([]);
    await nextTurn();
    expect(sent).toEqual(['a', 'b']);
  });

  test('is sent after another one threw, and so are those of later turns', async () => {
    const { batch, sent, message, errors } = batchWith(2);
    batch.add({
      send() {
        throw 'broken';
      },
    });
    batch.add(message('a'));
    await nextTurn();
    expect(sent).toEqual(['a']);
    expect(errors).toEqual(['broken']);
    batch.add(message('b'));
    await nextTurn();
    expect(sent).toEqual(['a', 'b']);
  });

  test('waits for the next turn if it is added while the batch is sent', async () => {
    const { batch, sent, message } = batchWith(2);
    batch.add({ send: () => batch.add(message('a')) });
    batch.add(message('b'));
    await nextTurn();
    expect(sent).toEqual(['b']);
    await nextTurn();
    expect(sent).toEqual(['b', 'a']);
  });
});
