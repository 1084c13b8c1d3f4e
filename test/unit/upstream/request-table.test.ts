import { describe, expect, test } from 'bun:test';
import { maxRequestsInFlight, RequestIds, RequestTable } from '../../../src/upstream/request-table.ts';

/** An id, which there has to be. */
const taken = (ids: RequestIds): number => ids.take() as number;

describe('ids of requests', () => {
  test('are never used again, though their places are', () => {
    const ids = new RequestIds();
    const seen = new Set<number>();
    const places = new Set<number>();
    let before: number[] = [];
    for (let round = 0; round < 1_000; round++) {
      const now = [taken(ids), taken(ids), taken(ids)];
      for (const id of now) {
        seen.add(id);
        places.add(id % maxRequestsInFlight);
      }
      for (const id of before) ids.release(id);
      before = now;
    }
    expect(seen.size).toBe(3_000);
    expect(places.size).toBe(6);
    expect([...seen].every(Number.isSafeInteger)).toBe(true);
  });

  test('are there for 65,536 requests at a time, and again when one is over', () => {
    const ids = new RequestIds();
    const all = Array.from({ length: 65_536 }, () => taken(ids));
    expect(new Set(all.map((id) => id % maxRequestsInFlight)).size).toBe(65_536);
    expect(ids.take()).toBeNull();
    expect(ids.take()).toBeNull();
    ids.release(all[7] as number);
    expect(taken(ids) % maxRequestsInFlight).toBe((all[7] as number) % maxRequestsInFlight);
    expect(ids.take()).toBeNull();
  });
});

describe('a table of requests', () => {
  const request = (id: number, name: string) => ({ id, name });

  test('finds a request by its id', () => {
    const ids = new RequestIds();
    const table = new RequestTable<{ id: number; name: string }>();
    const [a, b] = [request(taken(ids), 'a'), request(taken(ids), 'b')];
    table.add(a);
    table.add(b);
    expect(table.get(a.id)).toBe(a);
    expect(table.get(b.id)).toBe(b);
    expect(table.size).toBe(2);
    expect([...table.values()]).toEqual([a, b]);
  });

  test('does not take a late answer for that to the request in the same place', () => {
    const ids = new RequestIds();
    const table = new RequestTable<{ id: number; name: string }>();
    const old = request(taken(ids), 'old');
    table.add(old);
    table.delete(old.id);
    ids.release(old.id);
    const current = request(taken(ids), 'current');
    expect(current.id % maxRequestsInFlight).toBe(old.id % maxRequestsInFlight);
    table.add(current);
    expect(table.get(old.id)).toBeUndefined();
    table.delete(old.id);
    expect(table.get(current.id)).toBe(current);
    expect(table.size).toBe(1);
  });

  test.each([0, -1, 1.5, Number.NaN, 65_535, 65_536, 2 ** 53, Number.POSITIVE_INFINITY])(
    'has nothing for the id %d, which a server made up',
    (id) => {
      const table = new RequestTable<{ id: number }>();
      table.add({ id: 3 * maxRequestsInFlight });
      expect(table.get(id)).toBeUndefined();
      table.delete(id);
      expect(table.size).toBe(1);
    },
  );

  test('forgets a request once', () => {
    const table = new RequestTable<{ id: number }>();
    table.add({ id: 65_536 });
    table.add({ id: 65_537 });
    table.delete(65_536);
    table.delete(65_536);
    expect(table.size).toBe(1);
    expect([...table.values()]).toEqual([{ id: 65_537 }]);
  });

  test('may lose requests while it is gone through', () => {
    const table = new RequestTable<{ id: number }>();
    for (let id = 65_536; id < 65_546; id++) table.add({ id });
    for (const { id } of table.values()) table.delete(id);
    expect(table.size).toBe(0);
    expect([...table.values()]).toEqual([]);
  });
});
