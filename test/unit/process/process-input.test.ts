import { describe, expect, test } from 'bun:test';
import { ProcessInput } from '../../../src/process/process-input.ts';
import { Abort } from '../../../src/runtime/abort.ts';

/** A sink that takes everything at once, or blocks until `drain` is called, or fails. */
class PlayedSink {
  readonly written: string[] = [];
  isBlocking = false;
  throws = false;
  hasEnded = false;
  #drain: PromiseWithResolvers<number> | null = null;

  write(data: string): number {
    if (this.throws) throw new Error('EPIPE');
    this.written.push(data);
    return data.length;
  }
  flush(): number | Promise<number> {
    if (!this.isBlocking) return 0;
    this.#drain = Promise.withResolvers<number>();
    return this.#drain.promise;
  }
  end(): void {
    this.hasEnded = true;
  }
  async drain(error?: Error): Promise<void> {
    if (error) this.#drain?.reject(error);
    else this.#drain?.resolve(1);
    await Bun.sleep(0);
  }
}

function inputOf() {
  const sink = new PlayedSink();
  const seen: string[] = [];
  const input = new ProcessInput(sink, () => seen.push('broken'));
  const write = (text: string, signal = new Abort()) =>
    input.write(
      text,
      {
        onWritten: () => seen.push(`${text[0]} written`),
        onUnwritten: (reason) => seen.push(`${text[0]} ${reason}`),
      },
      signal,
    );
  return { sink, input, seen, write };
}

describe('the stdin of a process', () => {
  test('gets texts in order, and together while it is blocked', async () => {
    const { sink, seen, write } = inputOf();
    write('a\n');
    sink.isBlocking = true;
    write('b\n');
    write('c\n');
    write('d\n');
    expect([sink.written, seen]).toEqual([
      ['a\n', 'b\n'],
      ['a written', 'b written'],
    ]);
    await sink.drain();
    expect([sink.written.at(-1), seen.slice(2)]).toEqual(['c\nd\n', ['c written', 'd written']]);
  });

  test('does not get a text whose caller has gone before its turn', async () => {
    const { sink, seen, write } = inputOf();
    sink.isBlocking = true;
    const abort = new Abort();
    write('a\n');
    write('b\n', abort);
    write('c\n');
    abort.abort();
    write('d\n', abort);
    await sink.drain();
    expect(sink.written).toEqual(['a\n', 'c\n']);
    expect(seen).toEqual(['a written', 'b aborted', 'd aborted', 'c written']);
  });

  test('holds 16 MiB that wait, or one text of any length', async () => {
    const { sink, seen, write } = inputOf();
    sink.isBlocking = true;
    const mebibyte = 1024 * 1024;
    write('a'.repeat(17 * mebibyte));
    write('b');
    expect(seen).toEqual(['a written', 'b full']);
    await sink.drain();
    write('c'.repeat(15 * mebibyte));
    write('d'.repeat(mebibyte / 2));
    write('e'.repeat(mebibyte));
    expect(seen.slice(2)).toEqual(['c written', 'e full']);
  });

  test('that is closed fails what waits as unwritten, whether it throws or rejects', async () => {
    for (const way of ['throws', 'rejects']) {
      const { sink, seen, write } = inputOf();
      sink.isBlocking = true;
      write('a\n');
      write('b\n');
      if (way === 'throws') {
        sink.throws = true;
        await sink.drain();
        expect(seen).toEqual(['a written', 'b written', 'broken']);
      } else {
        await sink.drain(new Error('EPIPE'));
        expect(seen).toEqual(['a written', 'b closed', 'broken']);
      }
      write('c\n');
      expect(seen.at(-1)).toBe('c closed');
    }
  });

  test('that is ended gets no more', () => {
    const { sink, input, seen, write } = inputOf();
    sink.isBlocking = true;
    write('a\n');
    write('b\n');
    input.end();
    input.end();
    write('c\n');
    expect([sink.hasEnded, seen]).toEqual([true, ['a written', 'b closed', 'c closed']]);
  });
});
