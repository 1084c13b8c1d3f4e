import { describe, expect, test } from 'bun:test';
import {
  inputRequiredAnswer,
  modernParams,
  readInputRequired,
  readUrlElicitations,
} from '../../../../src/downstream/modern/input-required.ts';
import { OwnedBytes } from '../../../../src/runtime/owned-bytes.ts';

const all = '{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}';
const read = (result: unknown, capabilities = all) =>
  readInputRequired(JSON.stringify(result), capabilities, 'files');
const question = { method: 'elicitation/create', params: { message: 'm', requestedSchema: {} } };

test('questions of the gateway become a result with its state', () => {
  const requests = [{ key: 'a-1', method: 'roots/list' as const, paramsText: '{}' }];
  expect(inputRequiredAnswer(requests, 's')).toEqual({
    kind: 'result',
    payload: '{"inputRequests":{"a-1":{"method":"roots/list","params":{}}},"requestState":"s"}',
    resultType: 'input_required',
  });
});

test.each([
  ['elicitation/create', '{"mode":"url","elicitationId":"e","url":"u"}', '{"mode":"url","url":"u"}'],
  ['elicitation/create', '{"message":"m","task":{"ttl":1}}', '{"message":"m"}'],
  ['sampling/createMessage', '{"a":1,"elicitationId":"e"}', '{"a":1,"elicitationId":"e"}'],
  ['roots/list', '{"_meta":{"progressToken":1,"k":2}}', '{"_meta":{"k":2}}'],
  [
    'elicitation/create',
    '{"message":"m","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}}',
    '{"message":"m"}',
  ],
  ['roots/list', '{}', '{}'],
] as const)('params of a legacy %s lose what the modern era does not have: %s', (method, before, after) => {
  expect(modernParams(method, before)).toBe(after);
});

describe('the input_required of a modern upstream', () => {
  test('gets another state, and stays as it is otherwise', () => {
    const { state, withState } = read({
      inputRequests: { k: question },
      _meta: { a: 1 },
      requestState: 'up',
    });
    expect(state).toBe('"up"');
    const answer = withState('ours');
    expect(answer).toMatchObject({ kind: 'result', resultType: 'input_required' });
    expect(JSON.parse(String(answer.payload))).toEqual({
      inputRequests: { k: question },
      _meta: { a: 1 },
      requestState: 'ours',
    });
  });

  test('may have no questions, or no state', () => {
    expect(
      JSON.parse(String(read({ inputRequests: null, requestState: 's' }).withState('t').payload)),
    ).toEqual({
      requestState: 't',
    });
    expect(read({ inputRequests: { k: question } }).state).toBeNull();
    expect(read({ inputRequests: { k: { method: 'roots/list' } } }).state).toBeNull();
  });

  test('is freed if it is long', () => {
    const bytes = new OwnedBytes(Buffer.from('{"requestState":"s"}'));
    expect(readInputRequired(bytes, all, 'files').state).toBe('"s"');
    expect(bytes.length).toBe(0);
  });

  test.each([
    [{}, 'neither inputRequests nor a requestState'],
    [{ requestState: 1 }, 'a requestState that is not a string'],
    [{ inputRequests: [] }, 'inputRequests that are not an object'],
    [{ inputRequests: { k: 1 } }, 'an input request without a method'],
    [{ inputRequests: { k: {} } }, 'an input request without a method'],
    [{ inputRequests: { k: { method: 'tools/call' } } }, 'an input request "tools/call"'],
    [{ inputRequests: { k: { method: 'roots/list', params: 1 } } }, 'params that are not an object'],
    [
      {
        inputRequests: Object.fromEntries(
          Array.from({ length: 101 }, (_, i) => [i, { method: 'roots/list' }]),
        ),
      },
      'more than 100 inputRequests',
    ],
  ])('is refused if it is malformed: %p', (result, problem) => {
    expect(() => read(result)).toThrow(`upstream "files": it asks for input with ${problem}`);
  });

  test.each([
    ['{}', question, { elicitation: {} }],
    ['{"elicitation":{"form":{}}}', { ...question, params: { mode: 'url' } }, { elicitation: { url: {} } }],
    ['{"elicitation":{"url":{}}}', question, { elicitation: { form: {} } }],
    ['{"elicitation":{}}', { method: 'sampling/createMessage', params: {} }, { sampling: {} }],
    [
      '{"sampling":{}}',
      { method: 'sampling/createMessage', params: { tools: [] } },
      { sampling: { tools: {} } },
    ],
    ['{}', { method: 'roots/list' }, { roots: {} }],
  ])(
    'is refused with -32021 if the request does not declare the capability: %s %p',
    (capabilities, asked, lacking) => {
      expect(() => read({ inputRequests: { k: asked } }, capabilities)).toThrow(
        expect.objectContaining({ rpcCode: -32021, data: { requiredCapabilities: lacking } }),
      );
    },
  );
});

describe('the error -32042 of a legacy upstream', () => {
  const error = (elicitations: unknown) =>
    JSON.stringify({ code: -32042, message: 'm', data: { elicitations } });
  const url = { mode: 'url', elicitationId: 'e', url: 'https://a.example', message: 'go' };

  test('becomes questions without ids of theirs', () => {
    expect(readUrlElicitations(error([url, { ...url, mode: undefined }]), 'files')).toEqual([
      {
        key: 'elicitation-1',
        method: 'elicitation/create',
        paramsText: '{"mode":"url","url":"https://a.example","message":"go"}',
      },
      {
        key: 'elicitation-2',
        method: 'elicitation/create',
        paramsText: '{"url":"https://a.example","message":"go","mode":"url"}',
      },
    ]);
  });

  test.each([
    ['{"code":-32042,"message":"m"}'],
    ['{"code":-32042,"message":"m","data":null}'],
    [error(undefined)],
    [error({})],
    [error([])],
    [error([1])],
    [error([{ ...url, url: 1 }])],
    [error([{ ...url, message: undefined }])],
  ])('is refused if it names no elicitation: %s', (text) => {
    expect(() => readUrlElicitations(text, 'files')).toThrow('upstream "files": it asks for input with an');
  });
});
