import { describe, expect, test } from 'bun:test';
import { Progress } from '../../../../src/cli/terminal/progress.ts';
import { waitUntil } from '../../../support/wait.ts';

/** A progress, and what it has written. */
function newProgress(isTerminal: boolean) {
  const written: string[] = [];
  const progress = new Progress({ isTerminal, write: (text) => written.push(text) });
  return { progress, written };
}

describe('on a terminal, progress', () => {
  test('is one line with all that is waited for, which is erased in the end', async () => {
    const { progress, written } = newProgress(true);
    const first = Promise.withResolvers<number>();
    const second = Promise.withResolvers<number>();
    const both = [progress.track('asking a', first.promise), progress.track('asking b', second.promise)];
    await waitUntil('a line', () => written.length > 0);
    expect(written[0]).toBe('\r\u001b[Kasking a, asking b  0 s');
    first.resolve(1);
    await waitUntil('a shorter line', () => written.at(-1) === '\r\u001b[Kasking b  0 s');
    second.resolve(2);
    expect(await Promise.all(both)).toEqual([1, 2]);
    expect(written.at(-1)).toBe('\r\u001b[K');
  });

  test('does not outgrow the line', async () => {
    const { progress, written } = newProgress(true);
    const work = Promise.withResolvers<void>();
    const tracked = progress.track('x'.repeat(200), work.promise);
    await waitUntil('a line', () => written.length > 0);
    expect(written[0]).toBe(`\r\u001b[K${'x'.repeat(73)}…  0 s`);
    work.resolve();
    await tracked;
  });
});

describe('elsewhere, progress', () => {
  test('says nothing about what is soon done, and passes its failure on', async () => {
    const { progress, written } = newProgress(false);
    const work = Bun.sleep(300).then(() => {
      throw new Error('broken');
    });
    await expect(progress.track('asking a', work)).rejects.toThrow('broken');
    expect(written).toEqual([]);
  });

  test('is a plain line for a long wait', async () => {
    const { progress, written } = newProgress(false);
    const work = Promise.withResolvers<void>();
    const tracked = progress.track('asking a', work.promise);
    await waitUntil('a line', () => written.length > 0);
    expect(written).toEqual(['still asking a after 3 s\n']);
    work.resolve();
    await tracked;
  });
});
