import { describe, expect, test } from 'bun:test';
import type { write } from 'node:fs';
import { MessageOutput } from '../../../src/bridge/message-output.ts';
import { FakeClock } from '../../support/fake-clock.ts';

type Done = (error: { code: string } | null, count: number) => void;

/** A stream whose writes the test ends. */
function heldStream() {
  const writes: { readonly text: string; readonly done: Done }[] = [];
  const writeFile = (_fd: number, bytes: Buffer, at: number, length: number, _position: null, done: Done) => {
    writes.push({ text: bytes.subarray(at, at + length).toString(), done });
  };
  return { writes, write: writeFile as unknown as typeof write };
}

describe('messages on stdout', () => {
  test('are lines in the order of their arrival, together while one is being written', () => {
    const { writes, write } = heldStream();
    const output = new MessageOutput(write, () => {});
    output.message('{"a":1}');
    output.message('{"b":\n2}');
    output.message('{"c":\r\n\n3}');
    expect(writes.map(({ text }) => text)).toEqual(['{"a":1}\n']);
    writes[0]?.done(null, 8);
    expect(writes[1]?.text).toBe('{"b": 2}\n{"c": 3}\n');
  });

  test('go on where a short write has ended, and after a full stream', () => {
    const clock = new FakeClock();
    const { writes, write } = heldStream();
    const output = new MessageOutput(write, () => {}, clock);
    output.message('{"abc":1}');
    writes[0]?.done(null, 4);
    writes[1]?.done({ code: 'EAGAIN' }, 0);
    clock.advance(50);
    expect(writes.map(({ text }) => text)).toEqual(['{"abc":1}\n', 'c":1}\n', 'c":1}\n']);
  });

  test('make their senders wait while the client does not read', async () => {
    const { writes, write } = heldStream();
    const output = new MessageOutput(write, () => {});
    const long = JSON.stringify('x'.repeat(700_000));
    expect(output.message(long)).toBeUndefined();
    expect(output.message(long)).toBeUndefined();
    const room = output.message(long);
    expect(room).toBeInstanceOf(Promise);
    let hasRoom = false;
    void room?.then(() => {
      hasRoom = true;
    });
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    writes[0]?.done(null, long.length + 1);
    await room;
    expect(hasRoom).toBe(true);
  });

  test('are given up, once, when nobody can read them', async () => {
    let broken = 0;
    const { writes, write } = heldStream();
    const output = new MessageOutput(write, () => void broken++);
    output.message('{}');
    writes[0]?.done({ code: 'EPIPE' }, 0);
    expect(output.message('{}')).toBeUndefined();
    expect([broken, writes.length]).toEqual([1, 1]);
    await output.flushed(10_000);
  });
});
