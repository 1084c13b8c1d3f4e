import { expect, test } from 'bun:test';
import type { Caller } from '../../../../src/protocol/caller.ts';
import { parseMessage, type ResponseMessage } from '../../../../src/protocol/messages.ts';
import { TaskWatches } from '../../../../src/router/tasks/task-watches.ts';
import type { Completion } from '../../../../src/runtime/completion.ts';
import type { Upstream } from '../../../../src/upstream/upstream.ts';
import { waitUntil } from '../../../support/wait.ts';

/** Watches of tasks whose states are these, one for each look; the last one stays. */
function start(states: (object | 'error')[], bounds: { maxPerChannel?: number; maxInAll?: number } = {}) {
  let looks = 0;
  const upstream = {
    call(_call: unknown, _target: null, _isRepeatable: boolean, done: Completion<ResponseMessage>) {
      const state = states[Math.min(looks++, states.length - 1)];
      const end =
        state === 'error'
          ? '"error":{"code":1,"message":"no"}'
          : `"result":${JSON.stringify({ pollIntervalMs: 1, ...(state as object) })}`;
      done.resolve(parseMessage(`{"jsonrpc":"2.0","id":1,${end}}`) as ResponseMessage);
    },
  } as unknown as Upstream;
  const find = (_caller: Caller, id: string) =>
    id === 'unknown'
      ? null
      : {
          upstream,
          id,
          forClient: async (task: { string(name: string): string | undefined }) => `${task.string('status')}`,
        };
  const heard: (string | undefined)[] = [];
  const channel = { notify: (_method: string, text?: string) => void heard.push(text) };
  const watches = new TaskWatches({ find, ...bounds });
  return { watches, find, channel, heard, looks: () => looks };
}

const caller = {} as Caller;

test('a client hears once of each change, until the task ends', async () => {
  const { watches, channel, heard } = start([
    { status: 'working' },
    { status: 'working' },
    { status: 'completed' },
  ]);
  expect(watches.watch(channel, caller, ['a', 'unknown'])).toEqual(['a']);
  await waitUntil('the end', () => watches.size === 0);
  expect(heard).toEqual(['working', 'completed']);
});

test('a look that fails is repeated', async () => {
  const { watches, channel, heard } = start(['error', { status: 'failed' }]);
  watches.watch(channel, caller, ['a']);
  await waitUntil('the end', () => watches.size === 0);
  expect(heard).toEqual(['failed']);
});

test('a task is looked for anew each time, because its upstream may have been replaced', async () => {
  const replaced = start([{ status: 'working' }]);
  const successor = start([{ status: 'completed' }]);
  const found = [replaced, successor].map(({ find }) => find(caller, 'a'));
  const { channel, heard } = replaced;
  const watches = new TaskWatches({ find: () => (found.length > 1 ? found.shift() : found[0]) ?? null });
  watches.watch(channel, caller, ['a']);
  await waitUntil('the end', () => watches.size === 0);
  expect(heard).toEqual(['completed']);
});

test('a channel that is dropped hears no more, and no look follows', async () => {
  const { watches, channel, heard, looks } = start([{ status: 'working' }]);
  watches.watch(channel, caller, ['a']);
  await waitUntil('a look', () => looks() === 1);
  watches.drop(channel);
  await waitUntil('the end', () => watches.size === 0);
  expect(heard).toEqual(['working']);
  expect(looks()).toBe(1);
});

test.each([
  [{ maxPerChannel: 1 }, ['a']],
  [{ maxInAll: 2 }, ['a', 'b']],
])('beyond the bound %p, tasks are not watched', (bounds, watched) => {
  const { watches, channel } = start([{ status: 'working' }], bounds);
  expect(watches.watch(channel, caller, ['a', 'b', 'c'])).toEqual(watched);
  watches.drop(channel);
});
