import { describe, expect, test } from 'bun:test';
import { KeepAlive } from '../../../../src/downstream/keep-alive.ts';
import { Listens } from '../../../../src/downstream/modern/listens.ts';
import type { EndpointRequest } from '../../../../src/downstream/request.ts';
import type { Caller, Channel } from '../../../../src/protocol/caller.ts';
import { parseMessage, type RequestMessage } from '../../../../src/protocol/messages.ts';
import type { Signal } from '../../../../src/runtime/abort.ts';
import { messagesOf } from '../../../support/rpc.ts';

type Subscribe = (channel: Channel, uri: string, signal: Signal) => Promise<void>;

function listensOf(subscribe: Subscribe = async () => {}, maxListens = 10) {
  const dropped: Channel[] = [];
  const subscriptions = {
    async subscribeAll(channel: Channel, _view: string, uris: readonly string[], signal: Signal) {
      const outcomes = await Promise.allSettled(uris.map((uri) => subscribe(channel, uri, signal)));
      return uris.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    },
    drop: (channel: Channel) => void dropped.push(channel),
  };
  const parts = {
    router: { subscriptions },
    metrics: { request() {} },
    streams: new KeepAlive(),
    maxListens,
  };
  const listens = new Listens(parts as unknown as ConstructorParameters<typeof Listens>[0]);
  return { listens, dropped };
}

/** Opens a stream in a view; its messages. */
function open(listens: Listens, notifications: object, view = '') {
  const params = JSON.stringify({ notifications });
  const text = `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":${params}}`;
  let response: Response | null = null;
  const request = {
    accepted: { json: true, sse: true },
    onEnd() {},
    stream: (streamed: Response) => {
      response = streamed;
    },
  } as unknown as EndpointRequest;
  listens.open(parseMessage(text) as RequestMessage, { view } as Caller, request);
  return messagesOf(response as unknown as Response);
}

const methodOf = async (stream: ReturnType<typeof open>) => {
  const { value } = await stream.next();
  return value?.method ?? value?.result?.resultType;
};

const ack = 'notifications/subscriptions/acknowledged';

describe('streams of subscriptions', () => {
  test('hear of changes in their view only', async () => {
    const { listens } = listensOf();
    const whole = open(listens, { resourcesListChanged: true });
    const part = open(listens, { resourcesListChanged: true, toolsListChanged: true }, 'part');
    expect([await methodOf(whole), await methodOf(part)]).toEqual([ack, ack]);
    const changed = ['notifications/resources/list_changed', 'notifications/tools/list_changed'];
    listens.listsChanged(new Map([['part', new Set(changed)]]));
    listens.endAll();
    expect([await methodOf(part), await methodOf(part), await methodOf(part)]).toEqual([
      'notifications/resources/list_changed',
      'notifications/tools/list_changed',
      'complete',
    ]);
    expect(await methodOf(whole)).toBe('complete');
  });

  test('hear of nothing before their acknowledgment', async () => {
    const accepted = Promise.withResolvers<void>();
    const { listens } = listensOf(async (channel, uri) => {
      const method = 'notifications/resources/updated';
      channel.notify(method, JSON.stringify({ uri }));
      channel.notify(method, JSON.stringify({ uri }));
      channel.notify('notifications/message', '{}');
      await accepted.promise;
    });
    const stream = open(listens, { resourceSubscriptions: ['test://a'] });
    accepted.resolve();
    expect([await methodOf(stream), await methodOf(stream)]).toEqual([
      ack,
      'notifications/resources/updated',
    ]);
    listens.endAll();
    expect(await methodOf(stream)).toBe('complete');
  });

  test('of a view end when it goes, and leave the subscriptions', async () => {
    const { listens, dropped } = listensOf();
    const gone = open(listens, { toolsListChanged: true }, 'gone');
    const kept = open(listens, { toolsListChanged: true }, 'kept');
    expect([await methodOf(gone), await methodOf(kept)]).toEqual([ack, ack]);
    listens.endView('gone');
    expect(await methodOf(gone)).toBe('complete');
    expect([listens.size, dropped.length]).toEqual([1, 1]);
  });

  test('are limited in number, and refused once the gateway stops', () => {
    const { listens } = listensOf(undefined, 2);
    for (let i = 0; i < 2; i++) open(listens, { toolsListChanged: true });
    expect(() => open(listens, { toolsListChanged: true })).toThrow('2 streams are open');
    listens.endAll();
    expect(listens.size).toBe(0);
    expect(() => open(listens, { toolsListChanged: true })).toThrow('shutting down');
  });
});
