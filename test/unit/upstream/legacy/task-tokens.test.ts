import { expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { TaskTokens } from '../../../../src/upstream/legacy/task-tokens.ts';
import type { PendingRequest } from '../../../../src/upstream/pending-request.ts';
import type { PendingRequests } from '../../../../src/upstream/pending-requests.ts';

/** A request for the result of a task, which notes the progress that it gets. */
function waiting(sessionId: string | null, signal = new Abort()) {
  const heard: (string | undefined)[] = [];
  const notify = (_method: string, text?: string) => void heard.push(text);
  const call = { caller: { sessionId }, signal, notify };
  return { heard, signal, request: { call } as unknown as PendingRequest };
}

/** Tokens in a session whose messages come on one stream, in which these requests wait. */
function start(...requests: readonly PendingRequest[]) {
  const tokens = new TaskTokens({ ofMethod: () => [...requests] } as unknown as PendingRequests);
  const made = (id: number, sessionId: string | null, signal = new Abort()) => {
    const call = { caller: { sessionId }, signal };
    tokens.answered({ id, progressToken: `"of ${id}"`, call } as unknown as PendingRequest);
  };
  const progress = (token: number) =>
    tokens.take('notifications/progress', new ObjectText(`{"progressToken":${token},"progress":1}`), null);
  return { made, progress };
}

test('progress of a task on a shared stream goes to a request of the session that made it', () => {
  const [mine, other] = [waiting('mine'), waiting('other')];
  const { made, progress } = start(other.request, mine.request);
  made(1, 'mine');
  progress(1);
  progress(2);
  expect(mine.heard).toEqual(['{"progressToken":"of 1","progress":1}']);
  expect(other.heard).toEqual([]);
});

test('without a session, it goes to a request on behalf of the call that made the task, and to no other', () => {
  const [mine, other] = [waiting(null), waiting(null)];
  const { made, progress } = start(other.request, mine.request);
  made(1, null, mine.signal);
  made(2, null);
  progress(1);
  progress(2);
  expect(mine.heard).toEqual(['{"progressToken":"of 1","progress":1}']);
  expect(other.heard).toEqual([]);
});
