import { describe, expect, test } from 'bun:test';
import type { write } from 'node:fs';
import { OutputQueue } from '../../../src/observability/output.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** One write that the queue asks for, until the test says how it ended. */
interface ReplyTarget {
  readonly stream: number;
  readonly text: string;
  /** Takes all of it, or the first `bytes`. */
  take(bytes?: number): void;
  fail(code: string): void;
}

/** A queue whose streams do what the test says, and what they took. */
function newQueue() {
  const asked: ReplyTarget[] = [];
  const taken: string[] = [];
  const fakeWrite = (
    stream: number,
    bytes: Buffer,
    offset: number,
    length: number,
    _position: null,
    callback: (error: NodeJS.ErrnoException | null, count: number) => void,
  ) => {
    const text = bytes.toString('utf8', offset, offset + length);
    asked.push({
      stream,
      text,
      take(count = length) {
        taken.push(bytes.toString('utf8', offset, offset + count));
        callback(null, count);
      },
      fail: (code) => callback(Object.assign(new Error(code), { code }), 0),
    });
  };
  const clock = new FakeClock();
  const queue = new OutputQueue(fakeWrite as unknown as typeof write, clock);
  /** The write that is under way. */
  const current = () => asked.at(-1) as ReplyTarget;
  return { queue, asked, taken, current, clock };
}

const report = (count: number, cause: string | null) => `${count} lost, ${cause}\n`;
/** 64 lines of it are as much as the queue holds. */
const line = (n: number) => `${String(n).padEnd(16_383, '.')}\n`;

describe('the output of the process', () => {
  test('is written in order, one write at a time, to both streams', () => {
    const { queue, asked, current } = newQueue();
    queue.print(2, 'first\n');
    queue.print(2, 'second\n');
    queue.print(2, 'third\n');
    queue.print(1, 'fourth\n');
    expect(asked.map(({ text }) => text)).toEqual(['first\n']);

    while (asked.length < 3) current().take();

    expect(asked.map(({ stream, text }) => [stream, text])).toEqual([
      [2, 'first\n'],
      [2, 'second\nthird\n'],
      [1, 'fourth\n'],
    ]);
  });

  test('continues after a partial write', () => {
    const { queue, current, taken } = newQueue();
    queue.print(2, 'première\n');

    current().take(5);
    expect(current().text).toBe('ère\n');
    current().take();
    queue.print(2, 'next\n');
    current().take();

    expect(taken.join('')).toBe('première\nnext\n');
  });

  test('is retried if a stream is full and non-blocking', async () => {
    const { queue, current, asked, clock } = newQueue();
    queue.print(2, 'said\n');
    current().fail('EAGAIN');
    expect(asked).toHaveLength(1);
    clock.advance(10);
    current().take();

    expect(asked.map(({ text }) => text)).toEqual(['said\n', 'said\n']);
  });

  test('is dropped beyond 1 MiB, and the number of lines is reported when half of that has been written', () => {
    const { queue, current, taken } = newQueue();
    for (let n = 1; n <= 100; n++) queue.print(2, line(n), report);
    // The first is being written, and waits no more.
    for (let n = 1; n <= 32; n++) current().take();
    queue.print(2, line(101), report);
    expect(taken.join('')).not.toContain('lost');
    while (taken.length < 33) current().take();
    queue.print(2, line(102), report);
    while (taken.length < 67) current().take();

    const lines = taken.join('').trimEnd().split('\n');
    expect(lines.slice(64)).toEqual(['65'.padEnd(16_383, '.'), '36 lost, null', line(102).trimEnd()]);
  });

  test('is accepted if it is a single text longer than 1 MiB', () => {
    const { queue, current, taken } = newQueue();
    queue.print(2, `${'x'.repeat(3_000_000)}\n`);
    current().take();

    expect(taken.join('')).toHaveLength(3_000_001);
  });

  test.each(['EPIPE', 'ENOSPC', 'EIO'])(
    'that a stream refuses with %s is told when it takes text',
    (code) => {
      const { queue, current, taken } = newQueue();
      queue.print(2, 'lost\n', report);
      current().fail(code);
      queue.print(2, 'taken\n', report);
      current().take();
      current().take();

      expect(taken).toEqual(['taken\n', `1 lost, ${code}\n`]);
    },
  );

  test('begins a new line after an incomplete one', () => {
    const { queue, current, taken } = newQueue();
    queue.print(2, '{"message":"lost"}\n');
    current().take(8);
    current().fail('ENOSPC');
    queue.print(2, '{"message":"taken"}\n');
    current().take();

    expect(taken.join('')).toBe('{"messag\n{"message":"taken"}\n');
  });

  test('is waited for at the end until all is taken', async () => {
    const { queue, current } = newQueue();
    queue.print(2, 'first\n');
    queue.print(2, 'last\n');
    const flushed = queue.flushed();
    current().take();
    await Promise.resolve();
    expect(Bun.peek.status(flushed)).toBe('pending');
    current().take();

    await flushed;
  });

  test('is given up at the end after 250 ms without progress', async () => {
    const { queue, clock } = newQueue();
    queue.print(2, 'never read\n');
    const flushed = queue.flushed();
    clock.advance(249);
    await Promise.resolve();
    expect(Bun.peek.status(flushed)).toBe('pending');
    clock.advance(1);

    await flushed;
  });

  test('is given up at the end after 2 s with little progress', async () => {
    const { queue, current, clock } = newQueue();
    for (let n = 0; n < 100; n++) queue.print(n % 2 === 0 ? 1 : 2, 'slowly read\n');
    let isGivenUp = false;
    const flushed = queue.flushed().then(() => {
      isGivenUp = true;
    });
    for (let ms = 0; ms < 2_000; ms += 250) {
      expect(isGivenUp).toBe(false);
      current().take();
      clock.advance(250);
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }

    await flushed;
  });
});
