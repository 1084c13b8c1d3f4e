import { describe, expect, test } from 'bun:test';
import { RequestTable } from '../../../src/upstream/request-table.ts';

interface Request {
  readonly id: number;
}

/** Adds a request under an id of the table's own, which there has to be. */
function begin(table: RequestTable<Request>): Request {
  const request = { id: table.nextId() as number };
  table.add(request);
  return request;
}

describe('ids of requests', () => {
  test('are never used again, and stay small, however long some requests take', () => {
    const table = new RequestTable<Request>();
    const slow = Array.from({ length: 5 }, () => begin(table));
    const seen = new Set(slow.map(({ id }) => id));
    for (let round = 0; round < 10_000; round++) {
      const { id } = begin(table);
      expect(seen.has(id)).toBe(false);
      seen.add(id);
      table.delete(id);
    }
    expect(seen.size).toBe(10_005);
    expect(Math.max(...seen)).toBeLessThan(20_000);
    expect(slow.map(({ id }) => table.get(id))).toEqual(slow);
  });

  test('pass over the places of requests that take long', () => {
    const table = new RequestTable<Request>();
    begin(table);
    const ids: number[] = [];
    for (let round = 0; round < 32; round++) {
      const { id } = begin(table);
      ids.push(id);
      table.delete(id);
    }
    // Of sixteen places the first request has the one that 17 and 33 would have.
    expect(ids).not.toContain(17);
    expect(ids).not.toContain(33);
    expect(ids.at(-1)).toBe(35);
  });

  test('are there for 65,536 requests at a time, and again when one is over', () => {
    const table = new RequestTable<Request>();
    const all = Array.from({ length: 65_536 }, () => begin(table));
    expect(new Set(all.map(({ id }) => id)).size).toBe(65_536);
    expect(all.every((request) => table.get(request.id) === request)).toBe(true);
    expect([table.nextId(), table.nextId()]).toEqual([null, null]);
    table.delete((all[7] as Request).id);
    const another = begin(table);
    expect(all.map(({ id }) => id)).not.toContain(another.id);
    expect(table.nextId()).toBeNull();
  });

  test('that were not taken for a request are not given out a second time either', () => {
    const table = new RequestTable<Request>();
    expect([table.nextId(), table.nextId(), table.nextId()]).toEqual([1, 2, 3]);
  });
});

describe('a table of requests', () => {
  test('finds a request by its id', () => {
    const table = new RequestTable<Request>();
    const [a, b] = [begin(table), begin(table)];
    expect([table.get(a.id), table.get(b.id)]).toEqual([a, b]);
    expect(table.size).toBe(2);
    expect([...table.values()]).toEqual([a, b]);
  });

  test('does not take a late answer for that to the request in the same place', () => {
    const table = new RequestTable<Request>();
    const places = 16;
    const old = begin(table);
    table.delete(old.id);
    const current = { id: old.id + places };
    table.add(current);
    expect(table.get(old.id)).toBeUndefined();
    table.delete(old.id);
    expect(table.get(current.id)).toBe(current);
    expect(table.size).toBe(1);
  });

  test('holds requests whose ids another table gave out, however far they are apart', () => {
    const given = new RequestTable<Request>();
    const held = new RequestTable<Request>();
    const requests: Request[] = [];
    for (let round = 0; round < 1_000; round++) {
      const request = begin(given);
      // A few of many are passed on.
      if (round % 16 !== 1) continue;
      held.add(request);
      requests.push(request);
    }
    expect(held.size).toBe(63);
    expect(requests.map(({ id }) => held.get(id))).toEqual(requests);
    for (const { id } of requests) held.delete(id);
    expect([held.size, [...held.values()]]).toEqual([0, []]);
  });

  test('refuses an id that it has already, or that no place is left for, and stays as it was', () => {
    const table = new RequestTable<Request>();
    const request = begin(table);
    expect(() => table.add({ id: request.id })).toThrow(RangeError);
    expect(() => table.add({ id: request.id + 2 ** 20 })).toThrow(RangeError);
    expect([table.size, table.get(request.id)]).toEqual([1, request]);
  });

  test.each([0, -1, 1.5, Number.NaN, 15, 17, 2 ** 32 + 1, 2 ** 53, Number.POSITIVE_INFINITY])(
    'has nothing for the id %d, which a server made up',
    (id) => {
      const table = new RequestTable<Request>();
      begin(table);
      expect(table.get(id)).toBeUndefined();
      table.delete(id);
      expect(table.size).toBe(1);
    },
  );

  test('forgets a request once', () => {
    const table = new RequestTable<Request>();
    const [a, b] = [begin(table), begin(table)];
    table.delete(a.id);
    table.delete(a.id);
    expect(table.size).toBe(1);
    expect([...table.values()]).toEqual([b]);
  });

  test('may lose requests while it is gone through', () => {
    const table = new RequestTable<Request>();
    for (let i = 0; i < 10; i++) begin(table);
    for (const { id } of table.values()) table.delete(id);
    expect(table.size).toBe(0);
    expect([...table.values()]).toEqual([]);
  });
});
