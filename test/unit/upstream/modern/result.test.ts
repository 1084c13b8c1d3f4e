import { describe, expect, test } from 'bun:test';
import { parseMessage, type ResponseMessage } from '../../../../src/protocol/messages.ts';
import { OwnedBytes, textOf } from '../../../../src/runtime/owned-bytes.ts';
import { readResult } from '../../../../src/upstream/modern/result.ts';
import { parseBody } from '../../../../src/upstream/transport/parse-messages.ts';

const call = '"tools/call"';
const list = '"tools/list"';
const info = '"io.modelcontextprotocol/serverInfo":{"name":"a","version":"1"}';

function read(result: string, method = call) {
  const message = parseMessage(`{"jsonrpc":"2.0","id":1,"result":${result}}`) as ResponseMessage;
  const { payload, resultType, cache } = readResult(message, method);
  return { payload, resultType, cache };
}

describe('a result', () => {
  test.each([
    ['{"resultType":"complete","content":[]}', '{"content":[]}'],
    ['{"content":[],"resultType":"complete"}', '{"content":[]}'],
    ['{ "content" : [] , "resultType" : "complete" , "a" : 1 }', '{ "content" : [] , "a" : 1 }'],
    ['{"resultType":"complete"}', '{}'],
    [`{"resultType":"complete","_meta":{${info}},"content":[]}`, '{"content":[]}'],
    [`{"content":[],"_meta":{${info}},"resultType":"complete"}`, '{"content":[]}'],
    [`{"_meta":{"a":1,${info}},"content":[]}`, '{"_meta":{"a":1},"content":[]}'],
    [`{"content":[],"_meta":{${info},"a":1},"resultType":"complete"}`, '{"content":[],"_meta":{"a":1}}'],
    ['{"resultType":"a","content":[],"resultType":"complete"}', '{"content":[]}'],
    ['{"content":[{"resultType":"complete"}]}', '{"content":[{"resultType":"complete"}]}'],
    [
      '{"big":12345678901234567890,"e":"\\u0041","resultType":"complete"}',
      '{"big":12345678901234567890,"e":"\\u0041"}',
    ],
  ])('%s loses only what belongs to the hop', (text, left) => {
    expect(read(text)).toEqual({ payload: left, resultType: undefined, cache: undefined });
  });

  test('of another type keeps it beside the payload', () => {
    const text = '{"resultType":"input_required","inputRequests":{},"requestState":"s"}';
    expect(read(text)).toEqual({
      payload: '{"inputRequests":{},"requestState":"s"}',
      resultType: 'input_required',
      cache: undefined,
    });
  });

  test.each([
    ['"ttlMs":5000,"cacheScope":"public"', { ttlMs: 5000, scope: 'public' }],
    ['"ttlMs":5000', { ttlMs: 5000, scope: 'private' }],
    ['"cacheScope":"private"', { ttlMs: 0, scope: 'private' }],
    ['"ttlMs":-1,"cacheScope":"everyone"', { ttlMs: 0, scope: 'private' }],
    ['"ttlMs":1.5,"cacheScope":"public"', { ttlMs: 0, scope: 'public' }],
  ] as const)('that lists has its hints read: %s', (hints, cache) => {
    expect(read(`{"tools":[],${hints}}`, list)).toEqual({
      payload: '{"tools":[]}',
      resultType: undefined,
      cache,
    });
  });

  test('that is no list keeps members that look like hints: those of a task', () => {
    const text = '{"taskId":"t","ttlMs":60000}';
    expect(read(`{"resultType":"task","taskId":"t","ttlMs":60000}`)).toEqual({
      payload: text,
      resultType: 'task',
      cache: undefined,
    });
    expect(read(text, '"tasks/get"').payload).toBe(text);
  });

  test('that is long stays the bytes that came, with blanks in place of what is left out', async () => {
    for (const long of ['x'.repeat(200_000), 'ü'.repeat(200_000), '"a",'.repeat(50_000).slice(1, -2)]) {
      const content = `"content":["${long}"]`;
      const body = `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",${content},"_meta":{${info}}}}`;
      const [message] = await parseBody(new OwnedBytes(Buffer.from(body)));
      const { payload } = readResult(message as ResponseMessage, call);
      expect(typeof payload).toBe('object');
      expect(textOf(payload).replaceAll(' ', '')).toBe(`{${content}}`);
      (payload as OwnedBytes).free();
    }
  });

  test('keeps an error as it is', () => {
    const text = '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"a","resultType":"complete"}}';
    const message = parseMessage(text) as ResponseMessage;
    expect(readResult(message, call)).toBe(message);
  });
});
