import { describe, expect, test } from 'bun:test';
import type { Channel } from '../../../src/protocol/caller.ts';
import { Subscriptions } from '../../../src/router/subscriptions.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { UpstreamFailure } from '../../../src/upstream/failure.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';
import { settle, waitUntil } from '../../support/wait.ts';

/** An upstream that keeps what is asked of it, and accepts a subscription when the test says so. */
class SubscribedUpstream {
  readonly name: string;
  readonly asked: string[] = [];
  isDeaf = false;
  accepted = Promise.resolve();

  constructor(name = 'up') {
    this.name = name;
  }
  get upstream(): Upstream {
    return this as unknown as Upstream;
  }
  async subscribe(uri: string): Promise<() => void> {
    this.asked.push(`+${uri}`);
    await this.accepted;
    return () => void this.asked.push(`-${uri}`);
  }
}

class KeptChannel implements Channel {
  readonly notices: (string | undefined)[] = [];
  notify(_method: string, paramsText?: string): void {
    this.notices.push(paramsText);
  }
}

/** URIs that contain the name of a view are hidden from it. */
const hides = (view: string, _upstream: unknown, uri: string) => view !== '' && uri.includes(view);

function start(bounds: { maxPerChannel?: number; maxInAll?: number } = {}) {
  const up = new SubscribedUpstream();
  const ownerOf = (_view: string, uri: string) => {
    return uri.startsWith('unknown:') ? undefined : up.upstream;
  };
  const subscriptions = new Subscriptions({ ownerOf, hides, allStarted: async () => {}, ...bounds });
  const subscribe = (channel: Channel, uri: string, signal = new Abort()) =>
    subscriptions.subscribe(channel, '', uri, signal);
  return { up, subscriptions, subscribe };
}

test('two clients share one subscription, which ends with the last of them', async () => {
  const { up, subscriptions, subscribe } = start();
  const [a, b] = [new KeptChannel(), new KeptChannel()];
  await Promise.all([subscribe(a, 'x:1'), subscribe(b, 'x:1')]);
  await subscribe(a, 'x:1');
  expect(up.asked).toEqual(['+x:1']);
  subscriptions.updated(up.upstream, 'x:1', '{"uri":"x:1"}');
  subscriptions.unsubscribe(a, 'x:1');
  subscriptions.updated(up.upstream, 'x:1', '{"uri":"x:1","n":2}');
  expect(a.notices).toEqual(['{"uri":"x:1"}']);
  expect(b.notices).toEqual(['{"uri":"x:1"}', '{"uri":"x:1","n":2}']);
  expect(up.asked).toEqual(['+x:1']);
  subscriptions.unsubscribe(b, 'x:1');
  subscriptions.unsubscribe(b, 'x:1');
  expect(up.asked).toEqual(['+x:1', '-x:1']);
  expect(subscriptions.size).toBe(0);
});

test('several resources are not subscribed to at an upstream without a stream for their updates', async () => {
  const { up, subscriptions } = start();
  up.isDeaf = true;
  expect(await subscriptions.subscribeAll(new KeptChannel(), '', ['x:1', 'x:2'], new Abort())).toEqual([]);
  expect(up.asked).toEqual(['+x:1', '+x:2', '-x:1', '-x:2']);
  expect(subscriptions.size).toBe(0);
});

test('an update reaches only subscribers of its upstream and resource', async () => {
  const { up, subscriptions, subscribe } = start();
  const channel = new KeptChannel();
  await subscribe(channel, 'x:1');
  subscriptions.updated(up.upstream, 'x:12', '{}');
  subscriptions.updated(new SubscribedUpstream().upstream, 'x:1', '{}');
  expect(channel.notices).toEqual([]);
});

test('an update of a part reaches the subscribers of the whole', async () => {
  const { up, subscriptions, subscribe } = start();
  const channel = new KeptChannel();
  await subscribe(channel, 'file:///a');
  subscriptions.updated(up.upstream, 'file:///a/b', '{"uri":"file:///a/b"}');
  subscriptions.updated(up.upstream, 'file:///ab', '{"uri":"file:///ab"}');
  expect(channel.notices).toEqual(['{"uri":"file:///a/b"}']);
});

test('an update of a part reaches the subscribers of the part and of the whole, each of them once', async () => {
  const { up, subscriptions, subscribe } = start();
  const [part, whole, root, both] = [
    new KeptChannel(),
    new KeptChannel(),
    new KeptChannel(),
    new KeptChannel(),
  ];
  await subscribe(part, 'x:/a/b');
  await subscribe(whole, 'x:/a');
  await subscribe(root, 'x:/');
  for (const uri of ['x:/', 'x:/a', 'x:/a/b']) await subscribe(both, uri);
  for (const uri of ['x:/a/b', 'x:/a?q', 'x:/c', 'x:', 'x:/a']) subscriptions.updated(up.upstream, uri, uri);
  expect([part, whole, root, both].map(({ notices }) => notices)).toEqual([
    ['x:/a/b'],
    ['x:/a/b', 'x:/a?q', 'x:/a'],
    ['x:/a/b', 'x:/a?q', 'x:/c', 'x:/a'],
    ['x:/a/b', 'x:/a?q', 'x:/c', 'x:/a'],
  ]);
});

test('a client that must not know of a part hears of the whole, although it has subscribed to the part', async () => {
  const { up, subscriptions, subscribe } = start();
  const [open, narrow] = [new KeptChannel(), new KeptChannel()];
  for (const uri of ['x:1', 'x:1/secret']) {
    await subscribe(open, uri);
    await subscriptions.subscribe(narrow, 'secret', uri, new Abort());
  }
  subscriptions.updated(up.upstream, 'x:1/secret', '{"uri":"x:1/secret"}');
  expect(open.notices).toEqual(['{"uri":"x:1/secret"}']);
  expect(narrow.notices).toEqual(['{"uri":"x:1"}']);
});

describe.each([1, 100])('for %p subscribers in each of two views', (count) => {
  async function startViews(uri: string) {
    const { up, subscriptions } = start();
    const channelsOf = async (view: string) => {
      const channels = Array.from({ length: count }, () => new KeptChannel());
      await Promise.all(channels.map((one) => subscriptions.subscribe(one, view, uri, new Abort())));
      return channels;
    };
    const open = await channelsOf('');
    const narrow = await channelsOf('secret');
    const update = (text: string) => subscriptions.updated(up.upstream, text, JSON.stringify({ uri: text }));
    return { open, narrow, update };
  }
  const notices = (channels: readonly KeptChannel[]) => channels.map((channel) => channel.notices);
  const each = (...texts: string[]) => Array.from({ length: count }, () => texts);

  test('an update of a part is one of the whole where the part is hidden', async () => {
    const { open, narrow, update } = await startViews('x:1');
    for (const uri of ['x:1/secret', 'x:1/other', 'x:1']) update(uri);
    const last = () => narrow.at(-1)?.notices.length === 3;
    await waitUntil('the last update', last);
    expect(notices(open)).toEqual(each('{"uri":"x:1/secret"}', '{"uri":"x:1/other"}', '{"uri":"x:1"}'));
    expect(notices(narrow)).toEqual(each('{"uri":"x:1"}', '{"uri":"x:1/other"}', '{"uri":"x:1"}'));
  });

  test('there are no updates where the whole is hidden', async () => {
    const { open, narrow, update } = await startViews('x:secret');
    for (const uri of ['x:secret/a', 'x:secret']) update(uri);
    await waitUntil('the last update', () => open.at(-1)?.notices.length === 2);
    await settle();
    expect(notices(narrow)).toEqual(each());
    expect(notices(open)).toEqual(each('{"uri":"x:secret/a"}', '{"uri":"x:secret"}'));
  });
});

test('many subscribers hear of an update over several turns, and once of what comes again meanwhile', async () => {
  const { up, subscriptions, subscribe } = start();
  const channels = Array.from({ length: 100 }, () => new KeptChannel());
  await Promise.all(channels.map((channel) => subscribe(channel, 'x:1')));
  const update = (n: number) => subscriptions.updated(up.upstream, 'x:1', `${n}`);
  for (const n of [1, 1, 2, 1]) update(n);
  expect(channels.filter(({ notices }) => notices.length > 0)).toHaveLength(16);
  subscriptions.drop(channels[99] as KeptChannel);
  for (let n = 3; n < 300; n++) update(n);
  await waitUntil('the last of them', () => channels[98]?.notices.at(-1) === '{"uri":"x:1"}');
  expect(channels[98]?.notices).toEqual([
    '1',
    '1',
    ...Array.from({ length: 99 }, (_, n) => `${n + 2}`),
    '{"uri":"x:1"}',
  ]);
  expect(channels[99]?.notices).toEqual([]);
});

test('a dropped channel loses all subscriptions', async () => {
  const { up, subscriptions, subscribe } = start();
  const channel = new KeptChannel();
  await subscribe(channel, 'x:1');
  await subscribe(channel, 'x:2');
  subscriptions.drop(channel);
  subscriptions.drop(channel);
  expect(up.asked).toEqual(['+x:1', '+x:2', '-x:1', '-x:2']);
  expect(subscriptions.size).toBe(0);
});

describe('a subscription that is not accepted', () => {
  test('fails for everyone who waits, and leaves nothing behind', async () => {
    const { up, subscriptions, subscribe } = start();
    up.accepted = Promise.reject(new UpstreamFailure('returned_error', 'no'));
    const waits = [subscribe(new KeptChannel(), 'x:1'), subscribe(new KeptChannel(), 'x:1')];
    expect(await Promise.allSettled(waits)).toMatchObject([
      { reason: { message: 'no' } },
      { reason: { message: 'no' } },
    ]);
    expect(up.asked).toEqual(['+x:1']);
    expect(subscriptions.size).toBe(0);
  });

  test('ends upstream when its client has gone before', async () => {
    const { up, subscriptions, subscribe } = start();
    const { promise, resolve } = Promise.withResolvers<void>();
    up.accepted = promise;
    const abort = new Abort();
    const wait = subscribe(new KeptChannel(), 'x:1', abort);
    abort.abort();
    expect(await wait.catch(String)).toBe('UpstreamFailure: the request was cancelled');
    expect(up.asked).toEqual(['+x:1']);
    resolve();
    await Bun.sleep(0);
    expect(up.asked).toEqual(['+x:1', '-x:1']);
    expect(subscriptions.size).toBe(0);
  });

  test('is refused at once for a resource that nobody owns', async () => {
    const { subscribe } = start();
    expect(await subscribe(new KeptChannel(), 'unknown:1').catch(String)).toBe(
      'GatewayError: Resource not found: "unknown:1"',
    );
  });
});

test.each([
  [{ maxPerChannel: 1 }, 'x:2', 'the client has 1 subscriptions, which is the limit; end some of them'],
  [{ maxInAll: 1 }, 'x:2', 'all clients together have 1 subscriptions, which is the limit'],
  [{}, `x:${'y'.repeat(2_047)}`, 'the URI has 2049 characters; a subscription takes at most 2048'],
])('beyond the bound %p, a subscription is refused', async (bounds, uri, why) => {
  const { subscribe, subscriptions } = start(bounds);
  const channel = new KeptChannel();
  await subscribe(channel, 'x:1');
  expect(await subscribe(channel, uri).catch(String)).toBe(`GatewayError: resources/subscribe: ${why}`);
  expect(subscriptions.size).toBe(1);
});

describe('after a reload', () => {
  test('the subscription moves to the upstream of the same name, and counts as updated', async () => {
    const { subscriptions, subscribe } = start();
    const channel = new KeptChannel();
    await subscribe(channel, 'x:1');
    const successor = new SubscribedUpstream();
    subscriptions.setUpstreams([successor.upstream]);
    await Bun.sleep(0);
    expect(successor.asked).toEqual(['+x:1']);
    subscriptions.updated(successor.upstream, 'x:1', '{"uri":"x:1","n":2}');
    expect(channel.notices).toEqual(['{"uri":"x:1"}', '{"uri":"x:1","n":2}']);
    subscriptions.setUpstreams([successor.upstream]);
    subscriptions.drop(channel);
    subscriptions.updated(successor.upstream, 'x:1', '{}');
    expect(successor.asked).toEqual(['+x:1', '-x:1']);
    expect(channel.notices).toHaveLength(2);
  });

  test('a subscription that is not accepted yet waits for the successor', async () => {
    const { up, subscriptions, subscribe } = start();
    const closed = Promise.withResolvers<void>();
    up.accepted = closed.promise;
    const channel = new KeptChannel();
    const waiting = subscribe(channel, 'x:1');
    const successor = new SubscribedUpstream();
    subscriptions.setUpstreams([successor.upstream]);
    closed.reject(new UpstreamFailure('ended', 'is being replaced'));
    await waiting;
    expect([successor.asked, subscriptions.size]).toEqual([['+x:1'], 1]);
  });

  test('the subscriptions of a removed upstream end', async () => {
    const { subscriptions, subscribe } = start();
    await subscribe(new KeptChannel(), 'x:1');
    subscriptions.setUpstreams([]);
    expect(subscriptions.size).toBe(0);
  });
});

describe('a resource whose owner is not known yet', () => {
  /** Upstreams of which one is unknown until the test starts it. */
  function starting() {
    const up = new SubscribedUpstream();
    const known = Promise.withResolvers<void>();
    const counts = { waits: 0 };
    let isKnown = false;
    const subscriptions = new Subscriptions({
      hides,
      ownerOf: (_view, uri) => (isKnown && uri.startsWith('x:') ? up.upstream : undefined),
      async allStarted() {
        counts.waits++;
        await known.promise;
        isKnown = true;
      },
    });
    return { up, subscriptions, known, counts };
  }

  test('is waited for, once for all resources of a client', async () => {
    const { up, subscriptions, known, counts } = starting();
    const channel = new KeptChannel();
    const subscribed = subscriptions.subscribeAll(channel, '', ['x:1', 'y:1', 'x:2'], new Abort());
    known.resolve();
    expect(await subscribed).toEqual(['x:1', 'x:2']);
    expect(up.asked).toEqual(['+x:1', '+x:2']);
    expect(counts.waits).toBe(1);
  });

  test('is not subscribed to for a client that is gone meanwhile', async () => {
    const { up, subscriptions, known } = starting();
    const abort = new Abort();
    const outcome = subscriptions.subscribe(new KeptChannel(), '', 'x:1', abort).catch(String);
    abort.abort();
    known.resolve();
    expect(await outcome).toContain('cancelled');
    expect([up.asked, subscriptions.size]).toEqual([[], 0]);
  });
});

test('a client that leaves the part before its turn hears of an update as a subscriber of the whole', async () => {
  const { up, subscriptions, subscribe } = start();
  const channels = Array.from({ length: 400 }, () => new KeptChannel());
  const last = channels[399]!;
  for (const channel of channels) await subscribe(channel, 'x:/a/b');
  await subscribe(last, 'x:/a');
  subscriptions.updated(up.upstream, 'x:/a/b/c', '{"uri":"x:/a/b/c"}');
  subscriptions.unsubscribe(last, 'x:/a/b');
  await waitUntil('the others', () => channels[398]!.notices.length === 1);
  await settle();
  expect(last.notices).toEqual(['{"uri":"x:/a/b/c"}']);
});

test('a client that joins the part after its turn hears of an update as a subscriber of the whole', async () => {
  const { up, subscriptions, subscribe } = start();
  const channels = Array.from({ length: 400 }, () => new KeptChannel());
  const last = channels[399]!;
  for (const channel of channels) await subscribe(channel, 'x:/a');
  await subscribe(new KeptChannel(), 'x:/a/b');
  subscriptions.updated(up.upstream, 'x:/a/b/c', '{"uri":"x:/a/b/c"}');
  const joined = subscribe(last, 'x:/a/b');
  await waitUntil('the others', () => channels[398]!.notices.length === 1);
  await joined;
  await settle();
  expect(last.notices).toEqual(['{"uri":"x:/a/b/c"}']);
});
