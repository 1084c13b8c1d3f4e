import { describe, expect, test } from 'bun:test';
import type { ResponseMessage } from '../../../src/protocol/messages.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { type FailureKind, UpstreamFailure } from '../../../src/upstream/failure.ts';
import { RetryableCall } from '../../../src/upstream/retry.ts';
import { FakeSession } from '../../support/fake-session.ts';

const result = {
  kind: 'response',
  id: 1,
  error: undefined,
  isError: false,
  payload: '{}',
  start: 0,
} as const;

/** A call in a session, whose loss the test decides. */
function callIn({ isRepeatable = false, isLost = false as boolean | Promise<boolean> } = {}) {
  const sessions = [new FakeSession(), new FakeSession(), new FakeSession()] as const;
  const outcomes: unknown[] = [];
  const abort = new Abort();
  let used = 0;
  const owner = {
    session: sessions[0] as FakeSession | null,
    requestTimeoutMs: 1_000,
    usableSession: async () => sessions[used] as FakeSession,
    judge: async () => {
      const lost = await isLost;
      if (lost) owner.session = sessions[++used] as FakeSession;
      return lost;
    },
  };
  const call = {
    methodText: '"a"',
    params: undefined,
    meta: undefined,
    signal: abort,
    notify: () => undefined,
    ask() {},
    caller: null,
  };
  const done = {
    resolve: (answer: ResponseMessage) => void outcomes.push(answer),
    reject: (reason: unknown) => void outcomes.push((reason as UpstreamFailure).kind),
  };
  new RetryableCall(owner, call, { name: 'name', value: '"t"' }, isRepeatable, done).start();
  const sent = () => sessions.reduce((sum, { calls }) => sum + calls.length, 0);
  return { sessions, outcomes, abort, sent };
}

const failure = (kind: FailureKind, isLoss = false) =>
  new UpstreamFailure(kind, 'no', isLoss ? 'unknown_session' : undefined);

describe('a call that failed', () => {
  test.each([
    // The failure, whether the session is lost, whether the call is repeatable, and whether it is sent again.
    [failure('refused'), false, false, true],
    [failure('refused'), true, false, true],
    [failure('unsupported', true), true, false, true],
    [failure('unsupported', true), false, false, false],
    [failure('unsupported', true), false, true, false],
    [failure('returned_error', true), true, false, true],
    [failure('returned_error'), true, false, false],
    [failure('returned_error'), true, true, true],
    [failure('returned_error'), false, true, false],
    [failure('broken'), true, false, false],
    [failure('broken'), false, false, false],
    [failure('broken'), false, true, true],
    [failure('broken'), true, true, true],
    [failure('protocol'), true, true, true],
    [failure('protocol'), false, true, false],
    [failure('auth', true), true, false, true],
    [failure('timeout'), true, true, false],
    [failure('timeout'), false, true, false],
    [failure('ended', true), true, true, false],
    [failure('ended'), false, true, false],
    [failure('busy'), true, true, false],
    [failure('limited'), true, true, false],
    [failure('cancelled'), true, true, false],
    [failure('exhausted'), true, true, false],
    [failure('overloaded'), true, true, false],
  ])(
    '%o, session lost: %p, repeatable: %p, is sent again: %p',
    async (reason, isLost, isRepeatable, isAgain) => {
      const { sessions, outcomes, sent } = callIn({ isLost, isRepeatable });
      sessions[0].calls[0]?.reject(reason);
      await nextTurn();
      expect(sent()).toBe(isAgain ? 2 : 1);
      expect(outcomes).toEqual(isAgain ? [] : [reason.kind]);
    },
  );

  test('is sent a second time only', async () => {
    const { sessions, outcomes, sent } = callIn({ isLost: true });
    sessions[0].calls[0]?.reject(failure('unsupported', true));
    await nextTurn();
    sessions[1].calls[0]?.reject(failure('unsupported', true));
    await nextTurn();
    expect([sent(), outcomes]).toEqual([2, ['unsupported']]);
  });

  test('by an error of the upstream gets that error as it came', async () => {
    const { sessions, outcomes } = callIn();
    const error = { ...result, error: { code: 1, message: 'a' } };
    sessions[0].calls[0]?.resolve(error);
    await nextTurn();
    expect(outcomes).toEqual([error]);
    expect(sessions[0].hasServed).toBe(false);
  });

  test.each(['broken', 'timeout'] as const)('waits for the verdict on its session: %s', async (kind) => {
    const verdict = Promise.withResolvers<boolean>();
    const { sessions, outcomes } = callIn({ isLost: verdict.promise });
    sessions[0].calls[0]?.reject(failure(kind));
    await nextTurn();
    expect(outcomes).toEqual([]);
    verdict.resolve(false);
    await nextTurn();
    expect(outcomes).toEqual([kind]);
  });

  test('and is cancelled meanwhile does not wait for the verdict, and is not sent again', async () => {
    const { sessions, outcomes, abort, sent } = callIn({ isLost: new Promise<boolean>(() => {}) });
    sessions[0].calls[0]?.reject(failure('refused'));
    abort.abort();
    await nextTurn();
    expect([sent(), outcomes]).toEqual([1, ['cancelled']]);
  });
});

test('a call that succeeds shows that its session serves', () => {
  const { sessions, outcomes } = callIn();
  sessions[0].calls[0]?.resolve(result);
  expect(outcomes).toEqual([result]);
  expect(sessions[0].hasServed).toBe(true);
});
