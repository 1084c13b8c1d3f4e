import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogFields } from '../../../src/observability/log.ts';
import type { Clock } from '../../../src/runtime/deadlines.ts';
import { LastingMap } from '../../../src/state/lasting-map.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { waitUntil } from '../../support/wait.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-lasting-'));
  path = join(folder, 'map');
});
afterEach(() => rmSync(folder, { recursive: true }));

const later = Math.floor(Date.now() / 1000) + 1_000;
const entry = (value = '', forgetAtSeconds = later) => ({ value, forgetAtSeconds });
const lines = () => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []);

/** A map in the file, and what was warned of. */
function opened(kept = 10, clock?: Clock) {
  const warnings: [string, LogFields | undefined][] = [];
  const logger = { warn: (message: string, fields?: LogFields) => void warnings.push([message, fields]) };
  const file = { path, logger, unreadable: 'not read', unwritable: 'not written' };
  return { map: new LastingMap(kept, file, clock), warnings };
}

test('a change is written at once, then at most once a second', async () => {
  const clock = new FakeClock();
  const { map } = opened(10, clock);
  map.set('one', entry());
  clock.advance(0);
  await waitUntil('the first line', () => lines().length === 1);
  await map.flush();

  map.set('two', entry());
  map.set('three', entry());
  clock.advance(999);
  expect(lines()).toHaveLength(1);
  clock.advance(1);
  await waitUntil('three lines', () => lines().length === 3);
});

test('the next process reads what counts still, and no key is in the file', async () => {
  const { map } = opened();
  map.set('one', entry('legacy'));
  map.set('two', entry());
  map.set('three', entry('modern'));
  map.set('old', entry('legacy', later - 2_000));
  map.delete('three');
  await map.flush();
  expect(lines().map((line) => line.replace(/^[\w-]{16} /, ''))).toEqual([
    `${later} legacy`,
    String(later),
    `${later - 2_000} legacy`,
  ]);
  expect(readFileSync(path, 'utf8')).not.toMatch(/one|two/);
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);

  const next = opened();
  expect(['one', 'two', 'three', 'old'].map((key) => next.map.get(key))).toEqual([
    entry('legacy'),
    entry(),
    undefined,
    undefined,
  ]);
  expect(next.warnings).toEqual([]);
});

test('the last entries are kept, and at most a tenth more', () => {
  const { map } = opened(100);
  for (let i = 0; i <= 110; i++) map.set(String(i), entry());
  expect([0, 9, 10, 110].map((i) => map.get(String(i)) !== undefined)).toEqual([false, false, true, true]);
});

test.each([
  ['lines of another kind', 'what is this\n', 'some lines are malformed'],
  ['too much', 'x'.repeat(2_000_000), 'it is larger than 1 MiB'],
])('a file with %s is warned of, and replaced', async (_, text, cause) => {
  writeFileSync(path, text);
  const { map, warnings } = opened();
  expect(warnings).toEqual([['not read', { path, cause }]]);
  map.set('one', entry());
  await map.flush();
  expect(opened().warnings).toEqual([]);
});
