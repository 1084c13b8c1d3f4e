import { expect, test } from 'bun:test';
import { Figures } from '../../../bench/figures.ts';
import { medianIn, resultOf } from '../../../bench/results.ts';

const run = {
  command: 'npm run bench',
  date: '2026-01-02',
  commit: 'abc',
  isChanged: false,
  machine: 'a machine',
  loadAverage: 0,
  runtime: 'Bun',
  versions: {},
};

test('a result has the median, the least and the most of all rounds', () => {
  const figures = new Figures();
  for (const cpuUs of [3, 1, 2.5]) figures.add('call', 'c=1', 'mcpstead', { cpuUs });
  const result = resultOf(run, figures, [], []);
  expect(result.rows).toEqual([
    {
      workload: 'call',
      setting: 'c=1',
      contestant: 'mcpstead',
      figures: { cpuUs: { median: 2.5, least: 1, most: 3 } },
    },
  ]);
  expect(medianIn(result, 'call', 'c=1', 'mcpstead', 'cpuUs')).toBe(2.5);
  expect(medianIn(result, 'call', 'c=1', 'nginx', 'cpuUs')).toBeNull();
});

test('a time without an end is left out, because JSON has no infinity', () => {
  const figures = new Figures();
  figures.add('overload', '4 times', 'crate', { recoveryMs: Number.POSITIVE_INFINITY, shed: 1 });
  expect(Object.keys(resultOf(run, figures, [], []).rows[0]?.figures ?? {})).toEqual(['shed']);
});
