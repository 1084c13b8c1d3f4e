import { describe, expect, test } from 'bun:test';
import {
  classify,
  errorText,
  notificationText,
  requestText,
  resultText,
} from '../../../src/protocol/jsonrpc.ts';

const classified = (text: string) => classify(JSON.parse(text), text);

describe('a message is', () => {
  test('a request when it has a method and an id, and the texts of id and params are kept', () => {
    const text = '{"jsonrpc":"2.0","id": 12345678901234567890 ,"method":"m","params": {"n":1.0} }';
    expect(classified(text)).toEqual({
      kind: 'request',
      idText: '12345678901234567890',
      method: 'm',
      params: { n: 1 },
      paramsText: '{"n":1.0}',
    });
  });

  test('a notification when it has no id', () => {
    expect(classified('{"jsonrpc":"2.0","method":"m"}')).toEqual({
      kind: 'notification',
      method: 'm',
      params: undefined,
      paramsText: undefined,
    });
  });

  test('a response when it has a result or an error, whose text is kept', () => {
    expect(classified('{"jsonrpc":"2.0","id":1,"result":{"n":1.0}}')).toMatchObject({
      kind: 'response',
      id: 1,
      text: '{"n":1.0}',
    });
    expect(classified('{"jsonrpc":"2.0","error":{"code":-1,"message":"m","data":1.0}}')).toMatchObject({
      kind: 'response',
      id: null,
      text: '{"code":-1,"message":"m","data":1.0}',
    });
  });

  test('what the last of its repeated keys say, texts included', () => {
    const text = '{"jsonrpc":"1.0","id":1,"id":2.0,"method":"a","method":"b","jsonrpc":"2.0"}';
    expect(classified(text)).toMatchObject({ kind: 'request', idText: '2.0', method: 'b' });
  });

  test('not made a request by members that hide behind __proto__', () => {
    const text = '{"jsonrpc":"2.0","__proto__":{"method":"m","id":1}}';
    expect(classified(text)).toMatchObject({ kind: 'invalid', idText: 'null' });
  });
});

describe('a message is invalid', () => {
  test.each([
    ['5', 'null', 'a message must be a JSON object'],
    ['null', 'null', 'a message must be a JSON object'],
    ['"x"', 'null', 'a message must be a JSON object'],
    ['[]', 'null', 'a message must be a JSON object'],
    ['{"id":1,"method":"m"}', '1', '"jsonrpc" must be "2.0"'],
    ['{"jsonrpc":2.0,"id":1,"method":"m"}', '1', '"jsonrpc" must be "2.0"'],
    ['{"jsonrpc":"2.0","id":"a","method":1}', '"a"', '"method" must be a string'],
    ['{"jsonrpc":"2.0","id":1,"method":null}', '1', '"method" must be a string'],
    ['{"jsonrpc":"2.0","method":"m","params":[1]}', 'null', '"params" must be an object'],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', 'null', '"id" must be a string or a number'],
    ['{"jsonrpc":"2.0","id":{},"method":"m"}', 'null', '"id" must be a string or a number'],
    ['{"jsonrpc":"2.0","id":true,"method":"m"}', 'null', '"id" must be a string or a number'],
    ['{"jsonrpc":"2.0","id":1e999,"method":"m"}', 'null', '"id" must be a string or a number'],
    ['{"jsonrpc":"2.0","result":{}}', 'null', 'a response needs the "id" of its request'],
    ['{"jsonrpc":"2.0","id":1,"result":[]}', '1', '"result" must be an object'],
    [
      '{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}}',
      '1',
      '"error" must have a numeric "code" and a "message"',
    ],
    ['{"jsonrpc":"2.0","id":1}', '1', 'a message needs a "method", or one of "result" and "error"'],
    [
      '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
      '1',
      'a message needs a "method", or one of "result" and "error"',
    ],
  ])('when it is %s', (text, idText, problem) => {
    expect(classified(text)).toEqual({ kind: 'invalid', idText, problem });
  });

  test.each(['5', '"x"', 'null', '[1]'])(
    'and names its method when only its params are wrong: %s',
    (params) => {
      expect(classified(`{"jsonrpc":"2.0","id":1,"method":"m","params":${params}}`)).toEqual({
        kind: 'invalid',
        idText: '1',
        method: 'm',
        problem: '"params" must be an object',
      });
    },
  );
});

test('texts are put together as they came', () => {
  expect(requestText('"a"', 'm"', '{"n":1.0}')).toBe(
    '{"jsonrpc":"2.0","id":"a","method":"m\\"","params":{"n":1.0}}',
  );
  expect(requestText(1, 'm')).toBe('{"jsonrpc":"2.0","id":1,"method":"m"}');
  expect(notificationText('m', '{}')).toBe('{"jsonrpc":"2.0","method":"m","params":{}}');
  expect(resultText('1.0', '{}')).toBe('{"jsonrpc":"2.0","id":1.0,"result":{}}');
  expect(errorText('null', '{}')).toBe('{"jsonrpc":"2.0","id":null,"error":{}}');
});
