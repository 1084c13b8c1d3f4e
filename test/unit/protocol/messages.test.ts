import { describe, expect, test } from 'bun:test';
import {
  errorText,
  notificationText,
  parseMessage,
  type RequestMessage,
  requestText,
  resultText,
  serialOf,
} from '../../../src/protocol/messages.ts';

describe('a message is', () => {
  test('a request if it has a method and an id; the texts of id and params are kept', () => {
    const text = '{"jsonrpc":"2.0","id": 12345678901234567890 ,"method":"m\\/n","params": {"n":1.0} }';
    const message = parseMessage(text) as RequestMessage;
    expect(message).toMatchObject({
      kind: 'request',
      idText: '12345678901234567890',
      method: 'm/n',
      methodText: '"m\\/n"',
    });
    expect(message.params?.toString()).toBe('{"n":1.0}');
  });

  test('a notification if it has a method and no id', () => {
    expect(parseMessage('{"jsonrpc":"2.0","method":"m"}')).toEqual({
      kind: 'notification',
      method: 'm',
      methodText: '"m"',
      params: undefined,
    });
  });

  test('a response if it has a result or an error, whose text is kept', () => {
    expect(parseMessage('{"jsonrpc":"2.0","id":1,"result":{"n":1.0}}')).toMatchObject({
      kind: 'response',
      id: 1,
      payload: '{"n":1.0}',
    });
    expect(parseMessage('{"jsonrpc":"2.0","error":{"code":-1,"message":"m","data":1.0}}')).toMatchObject({
      kind: 'response',
      id: null,
      payload: '{"code":-1,"message":"m","data":1.0}',
    });
  });

  test('classified by the last of repeated keys', () => {
    const text = '{"jsonrpc":"1.0","id":1,"id":2.0,"method":"a","method":"b","jsonrpc":"2.0"}';
    expect(parseMessage(text)).toMatchObject({ kind: 'request', idText: '2.0', method: 'b' });
  });

  test('not a request because of members in __proto__', () => {
    const text = '{"jsonrpc":"2.0","__proto__":{"method":"m","id":1}}';
    expect(parseMessage(text)).toMatchObject({ kind: 'invalid', idText: 'null' });
  });
});

const idProblem = '"id" must be a string or a number, of at most 1024 characters';

test('an id has at most 1,024 characters', () => {
  const messageWith = (idChars: number) =>
    parseMessage(`{"jsonrpc":"2.0","id":"${'x'.repeat(idChars - 2)}","method":"m"}`);
  expect(messageWith(1_024).kind).toBe('request');
  expect(messageWith(1_025)).toEqual({ kind: 'invalid', idText: 'null', problem: idProblem });
});

const needsMembers = 'a message needs a "method", or one of "result" and "error"';
const errorProblem = '"error" must have a "code", which is an integer, and a "message"';

describe('a message is invalid', () => {
  test.each([
    ['5', 'null', 'a message must be a JSON object'],
    ['null', 'null', 'a message must be a JSON object'],
    ['"x"', 'null', 'a message must be a JSON object'],
    ['[]', 'null', 'a message must be a JSON object'],
    ['{"id":1,"method":"m"}', '1', '"jsonrpc" must be "2.0"'],
    ['{"jsonrpc":2.0,"id":1,"method":"m"}', '1', '"jsonrpc" must be "2.0"'],
    ['{"jsonrpc":12.03,"id":1,"method":"m"}', '1', '"jsonrpc" must be "2.0"'],
    ['{"jsonrpc":"2.1","id":1,"method":"m"}', '1', '"jsonrpc" must be "2.0"'],
    ['{"jsonrpc":"2.0","id":"a","method":1}', '"a"', '"method" must be a string'],
    ['{"jsonrpc":"2.0","method":"m","params":[1]}', 'null', '"params" must be an object'],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', 'null', idProblem],
    ['{"jsonrpc":"2.0","id":{},"method":"m"}', 'null', idProblem],
    ['{"jsonrpc":"2.0","id":true,"method":"m"}', 'null', idProblem],
    ['{"jsonrpc":"2.0","id":1e999,"method":"m"}', 'null', idProblem],
    ['{"jsonrpc":"2.0","result":{}}', 'null', 'a response needs the "id" of its request'],
    ['{"jsonrpc":"2.0","id":1}', '1', needsMembers],
    ['{"jsonrpc":"2.0","id":1,"method":null}', '1', needsMembers],
  ])('if it is %s', (text, idText, problem) => {
    expect(parseMessage(text)).toEqual({ kind: 'invalid', idText, problem });
  });

  test.each([
    ['{"jsonrpc":"2.0","id":1,"result":[]}', '"result" must be an object'],
    ['{"jsonrpc":"2.0","id":1,"result":null}', '"result" must be an object'],
    ['{"jsonrpc":"2.0","id":1,"error":null}', '"result" must be an object'],
    ['{"jsonrpc":"2.0","id":1,"method":null,"result":null,"error":null}', '"result" must be an object'],
    ['{"jsonrpc":"2.0","id":1,"error":"m"}', errorProblem],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}}', errorProblem],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"m"}}', errorProblem],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":1}}', errorProblem],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 'a response must not have both "result" and "error"'],
    ['{"id":1,"result":{}}', '"jsonrpc" must be "2.0"'],
  ])('and names the request of a malformed response: %s', (text, problem) => {
    expect(parseMessage(text)).toEqual({ kind: 'invalid', idText: '1', answers: 1, problem });
  });

  test.each(['5', '"x"', 'true', '[1]'])(
    'and names the method if only the params are wrong: %s',
    (params) => {
      expect(parseMessage(`{"jsonrpc":"2.0","id":1,"method":"m","params":${params}}`)).toEqual({
        kind: 'invalid',
        idText: '1',
        method: 'm',
        problem: '"params" must be an object',
      });
    },
  );
});

test('invalid JSON throws, wherever it breaks', () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"m","params":{"n":[1.0,"a"]}}';
  for (let length = 0; length < text.length; length++) {
    expect(() => parseMessage(text.slice(0, length)), text.slice(0, length)).toThrow(SyntaxError);
  }
  expect(() => parseMessage(`${text}}`)).toThrow(SyntaxError);
  expect(() => parseMessage('5 5')).toThrow(SyntaxError);
});

test('escapes in keys and strings do not change how a message is classified', () => {
  const text = String.raw`{"\u006asonrpc":"\u0032.0","i\u0064":"\u0061","method":"\u006d"}`;
  expect(parseMessage(text)).toMatchObject({ kind: 'request', idText: String.raw`"\u0061"`, method: 'm' });
});

test('only the value true of isError marks a result as an error', () => {
  const isError = (result: string) => {
    const message = parseMessage(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
    return message.kind === 'response' && message.isError;
  };
  expect(isError('{"content":[],"isError":true}')).toBe(true);
  expect(isError('{"isError":true,"isError":false}')).toBe(false);
  expect(isError('{"isError":"true"}')).toBe(false);
  expect(isError('{"content":[{"isError":true}]}')).toBe(false);
});

test('the texts of messages are composed unchanged', () => {
  expect(requestText('"a"', '"m\\""', '{"n":1.0}')).toBe(
    '{"jsonrpc":"2.0","id":"a","method":"m\\"","params":{"n":1.0}}',
  );
  expect(notificationText('m"', '{}')).toBe('{"jsonrpc":"2.0","method":"m\\"","params":{}}');
  expect(resultText('1.0', '{}')).toBe('{"jsonrpc":"2.0","id":1.0,"result":{}}');
  expect(errorText('null', '{}')).toBe('{"jsonrpc":"2.0","id":null,"error":{}}');
});

describe('a member that is null counts as absent:', () => {
  test.each([
    ['an error beside a result', '"result":{"a":1},"error":null', '{"a":1}'],
    [
      'a result beside an error',
      '"result":null,"error":{"code":1,"message":"m"}',
      '{"code":1,"message":"m"}',
    ],
    ['method and params beside a result', '"method":null,"params":null,"result":{}', '{}'],
  ])('%s', (_what, members, text) => {
    expect(parseMessage(`{"jsonrpc":"2.0","id":1,${members}}`)).toMatchObject({
      kind: 'response',
      id: 1,
      payload: text,
    });
  });

  test('result and error beside a method', () => {
    const text = '{"jsonrpc":"2.0","id":1,"method":"m","params":{},"result":null,"error":null}';
    expect(parseMessage(text)).toMatchObject({ kind: 'request', method: 'm' });
  });
});

test.each<[string | number | null | undefined, number | undefined]>([
  [7, 7],
  ['7', 7],
  [' 07 ', 7],
  ['7.0', undefined],
  ['0x7', undefined],
  ['', undefined],
  ['a7', undefined],
  ['9'.repeat(16), undefined],
  [null, undefined],
  [undefined, undefined],
])('the number of an own id that comes back as %p is %p', (id, serial) => {
  expect(serialOf(id)).toBe(serial);
});
