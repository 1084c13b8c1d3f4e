import { describe, expect, test } from 'bun:test';
import { LinkedList, LinkedNode } from '../../../src/runtime/linked-list.ts';
import { Random } from '../../support/random.ts';

class Item<T = string> extends LinkedNode {
  readonly value: T;

  constructor(value: T) {
    super();
    this.value = value;
  }
}

const itemsOf = <T>(values: readonly T[]) => values.map((value) => new Item(value));
const valuesOf = <T>(list: LinkedList<Item<T>>) => [...list].map(({ value }) => value);

describe('a linked list', () => {
  test('keeps the order of additions', () => {
    const list = new LinkedList<Item>();
    for (const item of itemsOf(['a', 'b', 'c'])) list.add(item);
    expect(valuesOf(list)).toEqual(['a', 'b', 'c']);
    expect(list.size).toBe(3);
  });

  test.each([
    ['the first', 0, ['b', 'c']],
    ['one within', 1, ['a', 'c']],
    ['the last', 2, ['a', 'b']],
  ])('loses %s', (_name, index, left) => {
    const list = new LinkedList<Item>();
    const items = itemsOf(['a', 'b', 'c']);
    for (const item of items) list.add(item);
    list.remove(items[index] as Item);
    expect(valuesOf(list)).toEqual(left);
    list.add(new Item('d'));
    expect(valuesOf(list)).toEqual([...left, 'd']);
    expect(list.size).toBe(3);
  });

  test('has the oldest item first, and none if it is empty', () => {
    const list = new LinkedList<Item>();
    expect(list.first).toBeNull();
    const [a, b] = itemsOf(['a', 'b']) as [Item, Item];
    list.add(a);
    list.add(b);
    expect(list.first).toBe(a);
    list.remove(a);
    expect(list.first).toBe(b);
  });

  test('removes an item once', () => {
    const list = new LinkedList<Item>();
    const [a, b] = itemsOf(['a', 'b']) as [Item, Item];
    list.add(a);
    list.add(b);
    list.remove(a);
    list.remove(a);
    expect(list.size).toBe(1);
    expect(valuesOf(list)).toEqual(['b']);
  });

  test('does not remove an item of another list', () => {
    const [one, other] = [new LinkedList<Item>(), new LinkedList<Item>()];
    const [a, b] = itemsOf(['a', 'b']) as [Item, Item];
    one.add(a);
    other.add(b);
    one.remove(b);
    expect([valuesOf(one), valuesOf(other)]).toEqual([['a'], ['b']]);
  });

  test('takes back an item that it or another list has lost', () => {
    const [one, other] = [new LinkedList<Item>(), new LinkedList<Item>()];
    const [a, b] = itemsOf(['a', 'b']) as [Item, Item];
    for (const item of [a, b]) one.add(item);
    one.remove(a);
    one.add(a);
    one.remove(b);
    other.add(b);
    expect([valuesOf(one), valuesOf(other)]).toEqual([['a'], ['b']]);
  });

  test('may change during an iteration, which skips removed items and leaves out added ones', () => {
    const list = new LinkedList<Item<number>>();
    const items = itemsOf([0, 1, 2, 3, 4]);
    for (const item of items) list.add(item);
    const seen: number[] = [];
    for (const { value } of list) {
      seen.push(value);
      if (value === 1) for (const index of [0, 1, 2, 4]) list.remove(items[index] as Item<number>);
      list.add(new Item(value + 10));
    }
    expect(seen).toEqual([0, 1, 3]);
    expect(valuesOf(list)).toEqual([3, 10, 11, 13]);
  });

  test('behaves like a Set, whatever is added and removed', () => {
    const random = new Random(3);
    const list = new LinkedList<Item<number>>();
    const set = new Set<number>();
    const items: Item<number>[] = [];
    for (let value = 0; value < 3_000; value++) {
      const item = new Item(value);
      items.push(item);
      list.add(item);
      set.add(value);
      for (let count = random.below(3); count > 0; count--) {
        const picked = random.pick(items);
        list.remove(picked);
        set.delete(picked.value);
      }
      if (value % 100 === 0) expect(valuesOf(list)).toEqual([...set]);
    }
    expect(valuesOf(list)).toEqual([...set]);
    expect(list.size).toBe(set.size);
  });

  test('is not reachable from an item that was removed', () => {
    const list = new LinkedList<Item>();
    const items = itemsOf(['a', 'b', 'c']);
    for (const item of items) list.add(item);
    const [, removed] = items as [Item, Item, Item];
    list.remove(removed);
    expect([removed.list, removed.previous, removed.next]).toEqual([null, null, null]);
  });
});
