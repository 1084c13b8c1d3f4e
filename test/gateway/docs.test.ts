import { expect, test } from 'bun:test';
import { startGateway } from '../support/gateway.ts';
import { blocksOf } from '../support/pages.ts';
import { freePort } from '../support/wait.ts';

/** The paths of all keys in a JSON value; the elements of a list count as one. */
function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysOf(item, `${path}[]`));
  if (value === null || typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([key, item]) => keysOf(item, `${path}.${key}`));
}

test('docs/operations.md shows /health with its actual keys', async () => {
  const shown = blocksOf('docs/operations.md').filter(({ text }) => text.includes('"uptime_seconds"'));
  expect(shown.length).toBe(1);
  const url = `http://127.0.0.1:${freePort()}/mcp`;
  await using gateway = await startGateway({ servers: [{ name: 'tracker', url }] });
  const health = await gateway.waitFor('a failed attempt', ({ servers }) => servers[0]?.last_error !== null);
  expect(keysOf(JSON.parse(shown[0]?.text ?? '')).toSorted()).toEqual(keysOf(health).toSorted());
});
