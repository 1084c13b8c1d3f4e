import { describe, expect, test } from 'bun:test';
import { TaskIds } from '../../../../src/router/tasks/task-ids.ts';
import { Seal } from '../../../../src/state/seal.ts';

const key = new Uint8Array(32).fill(7);
const ids = () => new TaskIds(new Seal(key));

describe('the id of a task', () => {
  test('leads to its server, in the next process, too, and is always the same', () => {
    const id = ids().qualified('up', 'bearer', 'task-1') as string;
    expect(ids().qualified('up', 'bearer', 'task-1')).toBe(id);
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(ids().read(id, 'bearer')).toEqual({ server: 'up', id: 'task-1' });
  });

  test('differs by server, principal and task', () => {
    const all = [
      ids().qualified('up', 'none', 'a'),
      ids().qualified('up', 'none', 'b'),
      ids().qualified('up', 'bearer', 'a'),
      ids().qualified('other', 'none', 'a'),
    ];
    expect(new Set(all).size).toBe(4);
  });

  test('is nobody else’s', () => {
    const id = ids().qualified('up', 'bearer', 'task-1') as string;
    expect(ids().read(id, 'none')).toBeNull();
    expect(new TaskIds(new Seal(new Uint8Array(32).fill(8))).read(id, 'bearer')).toBeNull();
  });

  test.each(['', 'task-1', 'x'.repeat(10_000)])('cannot be made up: %p', (id) => {
    expect(ids().read(id, 'none')).toBeNull();
  });

  test('is left as it is if it is too long', () => {
    expect(ids().qualified('up', 'none', 'x'.repeat(1_025))).toBeNull();
  });
});
