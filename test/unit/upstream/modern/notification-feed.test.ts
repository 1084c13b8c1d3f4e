import { expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import { parseMessage, type ResponseMessage } from '../../../../src/protocol/messages.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import type { ListenStream } from '../../../../src/upstream/modern/listen-stream.ts';
import { NotificationFeed } from '../../../../src/upstream/modern/notification-feed.ts';
import { waitUntil } from '../../../support/wait.ts';

const ended = parseMessage('{"jsonrpc":"2.0","id":1,"result":{}}') as ResponseMessage;

test('a stream that is wanted no more when it would be opened again is not opened', async () => {
  const streams: ListenStream[] = [];
  const feed = new NotificationFeed({
    lists: [],
    start(stream) {
      streams.push(stream);
      stream.acknowledge(new ObjectText(`{"notifications":${stream.filter}}`));
    },
    onGap() {},
    onSuspect() {},
  });
  await feed.start(1_000, new Abort());
  await feed.subscribe('x:1', 1_000, new Abort());
  streams[0]?.resolve(ended);
  await Bun.sleep(20);
  feed.unsubscribe('x:1');
  await Bun.sleep(20);
  expect(streams.map(({ filter }) => filter)).toEqual(['{"resourceSubscriptions":["x:1"]}']);
  await feed.subscribe('x:2', 1_000, new Abort());
  await waitUntil('the next stream', () => streams.length === 2);
  expect(streams[1]?.filter).toBe('{"resourceSubscriptions":["x:2"]}');
  feed.close();
});
