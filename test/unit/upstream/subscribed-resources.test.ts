import { describe, expect, test } from 'bun:test';
import { Abort, type Signal } from '../../../src/runtime/abort.ts';
import { UpstreamFailure } from '../../../src/upstream/failure.ts';
import { SubscribedResources } from '../../../src/upstream/subscribed-resources.ts';
import { FakeSession } from '../../support/fake-session.ts';

/** A session that tells what is asked of it; `refuses` fails the next subscriptions. */
class ListeningSession extends FakeSession {
  readonly asked: string[] = [];
  refuses: UpstreamFailure[] = [];

  override async subscribe(uri: string): Promise<void> {
    this.asked.push(`+${uri}`);
    const failure = this.refuses.shift();
    if (failure) throw failure;
  }

  override unsubscribe(uri: string): void {
    this.asked.push(`-${uri}`);
  }
}

function subscribed() {
  const sessions = [new ListeningSession(), new ListeningSession()] as const;
  const state = { session: sessions[0] as ListeningSession, isLost: false };
  const updated: string[] = [];
  const resources = new SubscribedResources({
    session: () => state.session,
    usableSession: async () => state.session,
    judge: async () => {
      if (state.isLost) state.session = sessions[1];
      return state.isLost;
    },
    timeoutMs: () => 1_000,
    onUpdated: (uri) => void updated.push(uri),
  });
  /** Puts the second session in the place of the first. */
  const replace = () => {
    state.session = sessions[1];
    return resources.takeUp(sessions[1]);
  };
  return { sessions, state, resources, updated, replace };
}

const refused = new UpstreamFailure('returned_error', 'refused a subscription');

test('subscriptions are taken up in a new session, and their resources count as updated', async () => {
  const { sessions, resources, updated, replace } = subscribed();
  const uris = Array.from({ length: 40 }, (_, at) => `test://${at}`);
  const ends: (() => void)[] = [];
  for (const uri of uris) ends.push(await resources.subscribe(uri, new Abort()));
  ends[0]?.();
  expect(sessions[0].asked).toEqual([...uris.map((uri) => `+${uri}`), '-test://0']);
  expect(updated).toEqual([]);
  await replace();
  expect(updated.toSorted()).toEqual(uris.slice(1).toSorted());
  expect(sessions[1].asked).toHaveLength(39);
});

test('a subscription that the server refuses is not taken up again', async () => {
  const { sessions, resources, replace } = subscribed();
  sessions[0].refuses = [refused];
  await expect(resources.subscribe('test://a', new Abort())).rejects.toBe(refused);
  await replace();
  expect(sessions[1].asked).toEqual([]);
});

test('a subscription that fails because the session is lost is made in the next one', async () => {
  const { sessions, state, resources, updated } = subscribed();
  sessions[0].refuses = [new UpstreamFailure('returned_error', 'Session not found', 'unknown_session')];
  state.isLost = true;
  await resources.subscribe('test://a', new Abort());
  expect(sessions[1].asked).toEqual(['+test://a']);
  expect(updated).toEqual([]);
});

test('a subscription whose place another one has taken is neither made nor does it end that', async () => {
  const { sessions, resources, replace } = subscribed();
  const first = resources.subscribe('test://a', new Abort()).catch(String);
  const second = await resources.subscribe('test://a', new Abort());
  expect(await first).toContain('cancelled');
  expect(sessions[0].asked).toEqual(['+test://a']);
  await resources.subscribe('test://a', new Abort());
  second();
  expect(sessions[0].asked).toEqual(['+test://a', '+test://a']);
  await replace();
  expect(sessions[1].asked).toEqual(['+test://a']);
});

test('a resource that a new session refuses counts as updated, and is asked for in the one after', async () => {
  const { sessions, state, resources, updated, replace } = subscribed();
  await resources.subscribe('test://a', new Abort());
  sessions[1].refuses = [refused];
  await replace();
  expect(updated).toEqual(['test://a']);
  state.session = new ListeningSession();
  await resources.takeUp(state.session);
  expect(state.session.asked).toEqual(['+test://a']);
});

describe('a subscription that is given up before the server has answered', () => {
  /** A session that answers no subscription, whose requests end when they are aborted. */
  class SlowSession extends ListeningSession {
    override async subscribe(
      uri: string,
      _timeoutMs?: number,
      signal = new Abort() as Signal,
    ): Promise<void> {
      this.asked.push(`+${uri}`);
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
  }

  /** Subscribes in such a session. */
  function started() {
    const { resources, state, ...rest } = subscribed();
    const slow = new SlowSession();
    state.session = slow;
    const abort = new Abort();
    const outcome = resources.subscribe('test://a', abort).catch(String);
    return { ...rest, resources, state, slow, abort, outcome };
  }

  test('is ended there, because the server may have accepted it', async () => {
    const { slow, abort, outcome } = started();
    await Bun.sleep(0);
    abort.abort('nobody waits');
    expect(await outcome).toBe('nobody waits');
    expect(slow.asked).toEqual(['+test://a', '-test://a']);
  });

  test('does not end another one, to the same resource, that was made at once', async () => {
    const { slow, abort, outcome, resources, replace, sessions } = started();
    await Bun.sleep(0);
    abort.abort('nobody waits');
    const again = resources.subscribe('test://a', new Abort()).catch(String);
    await outcome;
    await Bun.sleep(0);
    expect(slow.asked).toEqual(['+test://a', '+test://a']);
    await replace();
    expect(sessions[1].asked).toEqual(['+test://a']);
    void again;
  });
});
