import { describe, expect, test } from 'bun:test';
import { StartLimits, startKey } from '../../../src/process/start-limits.ts';
import { Abort } from '../../../src/runtime/abort.ts';

/** Enters so many starts; `entered` lists those whose turn it is. */
function enterAll(limits: StartLimits, count: number, signal = new Abort()) {
  const entered: ((succeeded: boolean) => void)[] = [];
  for (let i = 0; i < count; i++)
    limits.enter('key', signal).then(
      (leave) => void entered.push(leave),
      () => {},
    );
  return entered;
}
const turn = () => Bun.sleep(0);

describe('the starts of a command', () => {
  test('come one at a time until one has succeeded, then four', async () => {
    const limits = new StartLimits();
    const entered = enterAll(limits, 8);
    await turn();
    expect(entered).toHaveLength(1);
    entered[0]?.(false);
    await turn();
    expect(entered).toHaveLength(2);
    entered[1]?.(true);
    await turn();
    expect(entered).toHaveLength(6);
    entered[2]?.(false);
    entered[2]?.(false);
    await turn();
    expect(entered).toHaveLength(7);
  });

  test('are passed on to one that waits, before others come', async () => {
    const limits = new StartLimits();
    const leave = await limits.enter('key', new Abort());
    const waiting = enterAll(limits, 1);
    leave(false);
    const atOnce = enterAll(limits, 1);
    await turn();
    const late = enterAll(limits, 1);
    await turn();
    expect([waiting, atOnce, late].map(({ length }) => length)).toEqual([1, 0, 0]);
  });

  test('whose caller gives up as its turn comes leave it to the next', async () => {
    const limits = new StartLimits();
    const leave = await limits.enter('key', new Abort());
    const abort = new Abort();
    const given = enterAll(limits, 1, abort);
    const next = enterAll(limits, 1);
    leave(false);
    abort.abort(new Error('enough'));
    await turn();
    expect([given, next].map(({ length }) => length)).toEqual([0, 1]);
  });

  test('of one key do not wait for those of another', async () => {
    const limits = new StartLimits();
    const [own] = [await limits.enter('a', new Abort()), await limits.enter('b', new Abort())];
    expect(own).toBeFunction();
  });

  test('that are aborted while they wait leave their place to the next', async () => {
    const limits = new StartLimits();
    const leave = await limits.enter('key', new Abort());
    const abort = new Abort();
    const aborted = limits.enter('key', abort);
    const next = enterAll(limits, 1);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    leave(false);
    await turn();
    expect(next).toHaveLength(1);
    await expect(limits.enter('key', abort)).rejects.toThrow('enough');
  });
});

test.each([
  ['npx', ['-y', 'pkg', '/a'], ['-y', 'pkg', '/b'], true],
  ['/usr/bin/npx', ['pkg'], ['other'], false],
  ['uvx', ['tool', '--x'], ['tool', '--y'], true],
  ['node', ['server.js', '/a'], ['server.js', '/b'], false],
  ['node', ['server.js'], ['server.js'], true],
])('%s with %j and %j are the same download: %p', (command, one, other, isSame) => {
  expect(startKey(command, one) === startKey(command, other)).toBe(isSame);
});
