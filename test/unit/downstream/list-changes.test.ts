import { expect, test } from 'bun:test';
import { type ChangedLists, ListChanges } from '../../../src/downstream/list-changes.ts';
import { FakeClock } from '../../support/fake-clock.ts';

test('changes within a moment are told once, those of a view by their notifications', () => {
  const clock = new FakeClock();
  const told: ChangedLists[] = [];
  const changes = new ListChanges((changed) => void told.push(changed), clock);
  for (const kind of ['resources', 'resourceTemplates', 'tools', 'resources'] as const)
    changes.add(kind, 'part');
  changes.add('prompts', '');
  clock.advance(49);
  expect(told).toEqual([]);
  clock.advance(1);
  changes.add('tools', '');
  clock.advance(50);
  expect(told).toEqual([
    new Map([
      ['part', new Set(['notifications/resources/list_changed', 'notifications/tools/list_changed'])],
      ['', new Set(['notifications/prompts/list_changed'])],
    ]),
    new Map([['', new Set(['notifications/tools/list_changed'])]]),
  ]);
});
