import { expect, test } from 'bun:test';
import type { ResponseMessage } from '../../../../src/protocol/messages.ts';
import { ItemList } from '../../../../src/upstream/items/item-list.ts';

/** Takes a page that names this cursor; resolves to the params that ask for the next one. */
function after(list: ItemList, nextCursor: unknown): Promise<string | null> {
  return list.add({ payload: JSON.stringify({ tools: [], nextCursor }) } as ResponseMessage);
}

test('a list goes on with the cursor of its page', async () => {
  expect(await after(new ItemList('tools', 'legacy'), 'c'.repeat(65_536))).toBe(
    `{"cursor":"${'c'.repeat(65_536)}"}`,
  );
});

test.each([
  ['that is too long', 'c'.repeat(65_537), 'its nextCursor has more than 65536 characters'],
  ['that is not a string', 7, 'its nextCursor is not a string'],
])('a list ends with a page that names a cursor %s', async (_, cursor, why) => {
  const list = new ItemList('tools', 'legacy');
  expect(await after(list, cursor)).toBeNull();
  expect(list.faults()).toBe(`the list ends with page 1: ${why}`);
});
