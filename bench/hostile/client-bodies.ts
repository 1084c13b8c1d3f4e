// Bodies of a client, each as large as the gateway accepts, and each meant to cost far more than its size.

import { Random, randomJson } from '../../test/support/random.ts';

/** The default of `mcp.max_request_bytes`. */
const maxBodyBytes = 4 * 1024 * 1024;

/** A body that is made on demand. */
export interface HostileBody {
  readonly name: string;
  make(): string;
}

/** Repeats `unit` between `head` and `tail` until the body is full; the last one loses its trailing comma. */
function filled(head: string, unit: string, tail: string): string {
  const count = Math.floor((maxBodyBytes - Buffer.byteLength(head + tail)) / Buffer.byteLength(unit));
  return head + unit.repeat(count).replace(/,$/, '') + tail;
}

/** The parts of a call of the echo tool around the repeated text; `members` follow the name in its params. */
const call = (members: string, tail = '}}') => ({
  head: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hostile__echo",${members}`,
  tail,
});

function inCall(members: string, unit: string, tail = '}}'): string {
  const { head, tail: end } = call(members, tail);
  return filled(head, unit, end);
}

/** A batch with the most messages that are accepted, each as long as possible. */
function batchOf(message: (index: number, padding: string) => string): string {
  const padding = 'x'.repeat(Math.floor(maxBodyBytes / 100) - 200);
  return `[${Array.from({ length: 100 }, (_, index) => message(index, padding)).join(',')}]`;
}

/** Reproducible random JSON, repeated until the body is full. */
function randomBody(seed: number): string {
  const random = new Random(seed);
  return inCall('"arguments":{"a":[', `${randomJson(random, 5)},`, ']}}}');
}

export const clientBodies: readonly HostileBody[] = [
  { name: 'one call with _meta repeated as 0', make: () => inCall('', '"_meta":0,') },
  {
    name: 'one call with _meta repeated as an object with a progress token',
    make: () => inCall('', '"_meta":{"progressToken":1},'),
  },
  {
    name: 'one call with _meta repeated, the last one long',
    make: () =>
      inCall('', '"_meta":0,', `,"_meta":{"progressToken":1,"a":"${'x'.repeat(maxBodyBytes / 2)}"}}}`),
  },
  { name: 'one call with its name repeated', make: () => inCall('', '"name":"hostile__echo",') },
  { name: 'one call with escaped keys', make: () => inCall('', '"\\u005f\\u006deta":{"progressToken":1},') },
  {
    name: 'a _meta whose progress token is repeated',
    make: () => inCall('"_meta":{', '"progressToken":1,', '}}}'),
  },
  { name: 'a progress token of 4 MB', make: () => inCall('"_meta":{"progressToken":"', 'x', '"}}}') },
  { name: 'arguments nested as arrays', make: () => inCall('"arguments":{"a":', '[', '}}}') },
  {
    name: 'arguments nested as arrays, closed',
    make: () => `${call('"arguments":{"a":').head}${'['.repeat(2e6)}${']'.repeat(2e6)}}}}`,
  },
  {
    name: 'arguments nested as objects',
    make: () => `${call('"arguments":{"a":').head}${'{"a":'.repeat(6e5)}1${'}'.repeat(6e5)}}}}`,
  },
  { name: 'arguments of empty objects', make: () => inCall('"arguments":{"a":[', '{},', ']}}}') },
  { name: 'arguments of digits', make: () => inCall('"arguments":{"a":[', '1,', ']}}}') },
  { name: 'a number of 4 MB', make: () => inCall('"arguments":{"a":', '1', '}}}') },
  { name: 'a string of escapes', make: () => inCall('"arguments":{"a":"', '\\\\', '"}}}') },
  { name: 'a string of escaped surrogates', make: () => inCall('"arguments":{"a":"', '\\ud800', '"}}}') },
  { name: 'a string of emoji', make: () => inCall('"arguments":{"a":"', '😀', '"}}}') },
  { name: 'blanks between tokens', make: () => inCall('"arguments":{}', ' \n', '}}') },
  { name: 'a long key', make: () => inCall('"arguments":{"', 'k', '":0}}}') },
  { name: 'arguments of escaped keys', make: () => inCall('"arguments":{', '"\\u0061":0,', '}}}') },
  {
    name: 'a name of 4 MB',
    make: () => filled('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"', 'n', '"}}'),
  },
  {
    name: 'a name of escapes',
    make: () => filled('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"', '\\u0061', '"}}'),
  },
  {
    name: 'a cursor of 4 MB',
    make: () => filled('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"', 'c', '"}}'),
  },
  {
    name: 'a batch of calls',
    make: () =>
      batchOf(
        (index, padding) =>
          `{"jsonrpc":"2.0","id":${index},"method":"tools/call","params":{"name":"hostile__echo","arguments":{"a":"${padding.slice(100)}"}}}`,
      ),
  },
  {
    name: 'a batch of calls with many members',
    make: () =>
      batchOf(
        (index, padding) =>
          `{"jsonrpc":"2.0","id":${index},"method":"tools/call","params":{"name":"hostile__echo","_meta":{${'"a":0,'.repeat((padding.length - 200) / 6)}"progressToken":${index}}}}`,
      ),
  },
  { name: 'blanks', make: () => filled('', ' \n', '') },
  { name: 'quotes', make: () => filled('', '"', '') },
  { name: 'backslashes in an open string', make: () => filled('"', '\\', '') },
  { name: 'open brackets', make: () => filled('', '[', '') },
  { name: 'open braces with keys', make: () => filled('', '{"a":', '') },
  { name: 'a batch of empty objects', make: () => filled('[', '{},', ']') },
  { name: 'a batch of numbers', make: () => filled('[', '1,', ']') },
  { name: 'a batch within batches', make: () => filled('[', '[],', ']') },
  { name: 'an id of 4 MB', make: () => filled('{"jsonrpc":"2.0","method":"ping","id":"', 'x', '"}') },
  {
    name: 'an id of 4 million digits',
    make: () => filled('{"jsonrpc":"2.0","method":"ping","id":', '9', '}'),
  },
  { name: 'a method of 4 MB', make: () => filled('{"jsonrpc":"2.0","id":1,"method":"', 'm', '"}') },
  {
    name: 'a method of escaped control characters',
    make: () => filled('{"jsonrpc":"2.0","id":1,"method":"', '\\u0001', '"}'),
  },
  {
    name: 'a batch of long ids and unknown methods',
    make: () => batchOf((index, padding) => `{"jsonrpc":"2.0","id":"${index}${padding}","method":"no/such"}`),
  },
  {
    name: 'a batch of long unknown methods',
    make: () => batchOf((index, padding) => `{"jsonrpc":"2.0","id":${index},"method":"${padding}"}`),
  },
  {
    name: 'a batch of lists with long ids',
    make: () =>
      batchOf((index, padding) => `{"jsonrpc":"2.0","id":"${index}${padding}","method":"tools/list"}`),
  },
  {
    name: 'a batch of calls of long unknown tools',
    make: () =>
      batchOf(
        (index, padding) =>
          `{"jsonrpc":"2.0","id":${index},"method":"tools/call","params":{"name":"hostile__${padding}"}}`,
      ),
  },
  {
    name: 'an initialize of a client with a name of 4 MB',
    make: () =>
      filled(
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"version":"1","name":"',
        'n',
        '"}}}',
      ),
  },
  {
    name: 'an initialize with a million capabilities',
    make: () =>
      filled(
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"n","version":"1"},"capabilities":{',
        '"a":0,',
        '}}}',
      ),
  },
  {
    name: 'a cancellation of a request id of 4 MB',
    make: () =>
      filled('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"', 'x', '"}}'),
  },
  ...[1, 2, 3, 4, 5, 6].map((seed) => ({
    name: `arguments of random JSON, seed ${seed}`,
    make: () => randomBody(seed),
  })),
];
