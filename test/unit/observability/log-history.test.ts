import { expect, test } from 'bun:test';
import { createLogger } from '../../../src/observability/log.ts';
import { LogHistory } from '../../../src/observability/log-history.ts';
import { Redactor } from '../../../src/observability/redact.ts';

const line = (message: string, server?: string) => ({
  message,
  level: 'info',
  time: '2026-11-28T21:00:00.000Z',
  fields: server === undefined ? {} : { server },
});
const messages = (texts: readonly string[]) => texts.map((text) => JSON.parse(text).message);

test('lines about servers are kept for each, and all lines in the order of the log', () => {
  const history = new LogHistory();
  history.setServers(['a', 'b']);
  history.add(line('1'));
  history.add(line('2', 'b'));
  history.add(line('3', 'a'));
  history.add(line('4', 'unknown'));
  history.add(line('5', 'b'));
  expect(messages(history.last(9, null))).toEqual(['1', '2', '3', '4', '5']);
  expect(messages(history.last(2, null))).toEqual(['4', '5']);
  expect(messages(history.last(9, 'b'))).toEqual(['2', '5']);
  expect(messages(history.last(0, 'b'))).toEqual([]);
  expect(history.last(9, 'unknown')).toEqual([]);
  expect(history.last(1, 'b')).toEqual([
    '{"at":"2026-11-28T21:00:00.000Z","level":"info","message":"5","server":"b"}',
  ]);
});

test('of each server the last 1,000 lines are kept, whatever others log', () => {
  const history = new LogHistory();
  history.setServers(['a', 'b']);
  history.add(line('quiet', 'a'));
  for (let n = 1; n <= 1_500; n++) history.add(line(`${n}`, 'b'));
  expect(messages(history.last(9_999, 'a'))).toEqual(['quiet']);
  const kept = messages(history.last(9_999, 'b'));
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([1_000, '501', '1500']);
});

test('long lines are shortened, and all lines together are bounded', () => {
  const history = new LogHistory(100_000);
  history.setServers(['a', 'b']);
  const field = { fields: { server: 'a', line: 'x'.repeat(60_000) } };
  history.add({ ...line('long'), ...field });
  expect(JSON.parse(history.last(1, 'a')[0] ?? '')).toEqual({
    at: '2026-11-28T21:00:00.000Z',
    level: 'info',
    message: 'long',
    server: 'a',
    shortened: true,
  });
  history.add(line('quiet', 'b'));
  for (let n = 0; n < 100; n++) history.add(line(`${n} ${'x'.repeat(5_000)}`, 'a'));
  const chars = history.last(9_999, null).join('').length;
  expect(chars).toBeGreaterThan(80_000);
  expect(chars).toBeLessThan(100_000);
  expect(messages(history.last(9, 'b'))).toEqual(['quiet']);
});

test('the lines of a removed server go, and take no room any more', () => {
  const history = new LogHistory(10_000);
  history.setServers(['a']);
  history.add(line('x'.repeat(9_000), 'a'));
  history.setServers(['b']);
  expect(history.last(9, null)).toEqual([]);
  for (const message of ['1', '2']) history.add(line(message + 'x'.repeat(4_000), 'b'));
  expect(history.last(9, 'b')).toHaveLength(2);
});

test('listeners get each new line until they unfollow', () => {
  const history = new LogHistory();
  history.setServers(['a']);
  const seen: [string, string | null][] = [];
  const unfollow = history.follow((text, server) => seen.push([JSON.parse(text).message, server]));
  history.add(line('1'));
  history.add(line('2', 'a'));
  unfollow();
  history.add(line('3'));
  expect(seen).toEqual([
    ['1', null],
    ['2', 'a'],
  ]);
});

test('a logger keeps what it writes, without secrets, whatever its format', () => {
  for (const format of ['json', 'pretty'] as const) {
    const history = new LogHistory();
    const redactor = new Redactor();
    redactor.setSecrets(['s3cret-token']);
    const logger = createLogger({ level: 'info', format, redactor, history, write: () => {} });
    logger.debug('below the level');
    logger.warn('found s3cret-token', { at: 'a field', line: 'has s3cret-token' });
    const [text = '', ...others] = history.last(9, null);
    expect(others).toEqual([]);
    const { at, ...rest } = JSON.parse(text);
    expect(Date.parse(at)).toBeGreaterThan(0);
    expect(rest).toEqual({
      level: 'warn',
      message: 'found [redacted]',
      _at: 'a field',
      line: 'has [redacted]',
    });
  }
});
