import { edenGC, fullGC, heapStats } from 'bun:jsc';
import { describe, expect, test } from 'bun:test';
import { LiveList, type Place } from '../../src/live-list.ts';
import { Random } from '../support/random.ts';

describe('a list of what is under way', () => {
  test('keeps the order in which things came', () => {
    const list = new LiveList<string>();
    for (const value of ['a', 'b', 'c']) list.add(value);
    expect([...list]).toEqual(['a', 'b', 'c']);
    expect(list.size).toBe(3);
  });

  test.each([
    ['the first', 0, ['b', 'c']],
    ['one within', 1, ['a', 'c']],
    ['the last', 2, ['a', 'b']],
  ])('loses %s', (_name, index, left) => {
    const list = new LiveList<string>();
    const places = ['a', 'b', 'c'].map((value) => list.add(value));
    list.remove(places[index] as Place<string>);
    expect([...list]).toEqual(left);
    list.add('d');
    expect([...list]).toEqual([...left, 'd']);
    expect(list.size).toBe(3);
  });

  test('shows what has been there for the longest, and nothing where nothing is', () => {
    const list = new LiveList<string>();
    expect(list.first).toBeUndefined();
    const place = list.add('a');
    list.add('b');
    expect(list.first).toBe('a');
    list.remove(place);
    expect(list.first).toBe('b');
  });

  test('loses a thing once', () => {
    const list = new LiveList<string>();
    const place = list.add('a');
    list.add('b');
    list.remove(place);
    list.remove(place);
    expect(list.size).toBe(1);
    expect([...list]).toEqual(['b']);
  });

  test('may have the same thing twice', () => {
    const list = new LiveList<string>();
    const place = list.add('a');
    list.add('a');
    list.remove(place);
    expect([...list]).toEqual(['a']);
  });

  test('may change while it is gone through: what is removed is passed over, what is added comes the next time', () => {
    const list = new LiveList<number>();
    const places = [0, 1, 2, 3, 4].map((value) => list.add(value));
    const seen: number[] = [];
    for (const value of list) {
      seen.push(value);
      if (value === 1) for (const index of [0, 1, 2, 4]) list.remove(places[index] as Place<number>);
      list.add(value + 10);
    }
    expect(seen).toEqual([0, 1, 3]);
    expect([...list]).toEqual([3, 10, 11, 13]);
  });

  test('is what a Set is, whatever comes and goes', () => {
    const random = new Random(3);
    const list = new LiveList<number>();
    const set = new Set<number>();
    const places: Place<number>[] = [];
    for (let value = 0; value < 3_000; value++) {
      places.push(list.add(value));
      set.add(value);
      for (let count = random.below(3); count > 0; count--) {
        const place = random.pick(places);
        list.remove(place);
        set.delete(place.value);
      }
      if (value % 100 === 0) expect([...list]).toEqual([...set]);
    }
    expect([...list]).toEqual([...set]);
    expect(list.size).toBe(set.size);
  });

  test('does not keep alive what was removed', () => {
    // Of a kind that can be counted, since hardly anything else makes them.
    const alive = () => heapStats().objectTypeCounts.WeakSet ?? 0;
    const list = new LiveList<object>();
    const places: Place<object>[] = [];
    const comeAndGo = () => {
      for (let index = 0; index < 1_000; index++) {
        const oldest = places[index % 32];
        if (oldest) list.remove(oldest);
        places[index % 32] = list.add(new WeakSet());
      }
    };
    comeAndGo();
    fullGC();
    const before = alive();
    for (let round = 0; round < 200; round++) {
      comeAndGo();
      edenGC();
    }
    expect(list.size).toBe(32);
    // The 32 that live during a collection outlive it; of a Set, nearly all 200,000 would be there.
    expect(alive() - before).toBeLessThan(20_000);
  });
});
