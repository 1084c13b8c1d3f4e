import { expect, test } from 'bun:test';
import { RecentCalls } from '../../../src/observability/recent-calls.ts';

const caller = { era: 'legacy', clientInfo: '{"name":"a"}' };
const tool = (name: string) => ({ server: 's', name });

test('the last calls are listed, the newest first', () => {
  const calls = new RecentCalls(2);
  expect(calls.list()).toEqual([]);
  calls.add(tool('one'), caller, 10, 1, 'ok', null);
  calls.add(tool('two'), caller, 20, 2, 'error', 'cancelled');
  calls.add(tool('three'), { era: 'modern', clientInfo: '{}' }, 30, 3, 'tool_error', null);
  expect(calls.list()).toEqual([
    {
      server: 's',
      tool: 'three',
      era: 'modern',
      clientInfo: '{}',
      endMs: 30,
      durationMs: 3,
      outcome: 'tool_error',
      reason: null,
    },
    {
      server: 's',
      tool: 'two',
      era: 'legacy',
      clientInfo: '{"name":"a"}',
      endMs: 20,
      durationMs: 2,
      outcome: 'error',
      reason: 'cancelled',
    },
  ]);
});

test('a list does not change when further calls end', () => {
  const calls = new RecentCalls(1);
  calls.add(tool('one'), caller, 10, 1, 'ok', null);
  const before = calls.list();
  calls.add(tool('two'), caller, 20, 2, 'ok', null);
  expect(before[0]?.tool).toBe('one');
});

test('a description that may be the slice of a long body is not kept', () => {
  const calls = new RecentCalls(1);
  calls.add(tool('one'), { era: 'modern', clientInfo: `{"name":"${'x'.repeat(20_000)}"}` }, 1, 1, 'ok', null);
  expect(calls.list()[0]?.clientInfo).toBe('{}');
});
