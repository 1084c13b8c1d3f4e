import { describe, expect, test } from 'bun:test';
import { Bridges } from '../../../../src/http/admin/bridges.ts';
import { Deadlines } from '../../../../src/runtime/deadlines.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

/** Whether a promise has resolved by now. */
async function hasResolved(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  return done;
}

describe('the bridges of a gateway', () => {
  test('are missed once none has been there for a while, also from the start', async () => {
    const clock = new FakeClock();
    const unused = new Bridges(new Deadlines(clock)).unused(30_000);
    clock.advance(29_900);
    expect(await hasResolved(unused)).toBe(false);
    clock.advance(200);
    expect(await hasResolved(unused)).toBe(true);
  });

  test('are not missed while one of two is left, nor if another one comes in time', async () => {
    const clock = new FakeClock();
    const bridges = new Bridges(new Deadlines(clock));
    const unused = bridges.unused(30_000);
    const first = bridges.open();
    const second = bridges.open();
    first?.disconnect();
    clock.advance(60_000);
    expect(await hasResolved(unused)).toBe(false);
    second?.disconnect();
    clock.advance(20_000);
    const third = bridges.open();
    clock.advance(60_000);
    expect(await hasResolved(unused)).toBe(false);
    third?.disconnect();
    clock.advance(30_100);
    expect(await hasResolved(unused)).toBe(true);
    bridges.close();
  });

  test('find no stream once the gateway stops', () => {
    const bridges = new Bridges();
    bridges.close();
    expect(bridges.open()).toBeNull();
  });
});
