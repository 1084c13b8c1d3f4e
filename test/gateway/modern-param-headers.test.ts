import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const properties = {
  region: { type: 'string', 'x-mcp-header': 'Region' },
  count: { type: 'integer', 'x-mcp-header': 'Count' },
  dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
  target: { type: 'object', properties: { zone: { type: 'string', 'x-mcp-header': 'Zone' } } },
  plain: { type: 'string' },
};
const tools = [
  { name: 'query', inputSchema: { type: 'object', properties } },
  // Two arguments cannot share a header, so no client of the modern era uses this one.
  {
    name: 'broken',
    inputSchema: {
      type: 'object',
      properties: { a: properties.region, b: { type: 'string', 'x-mcp-header': 'region' } },
    },
  },
];

const stack = new AsyncDisposableStack();
let gateway: TestGateway;
beforeAll(async () => {
  const upstream = stack.use(
    await fakeUpstream({
      onPost: ({ method, id }) => (method === 'tools/list' ? rpcResult(id, { tools }) : undefined),
    }),
  );
  gateway = stack.use(await startGateway({ servers: [{ name: 'up', url: upstream.url }] }));
  await gateway.connected();
});
afterAll(() => stack.disposeAsync());

async function codeOf(args: object | undefined, headers: Record<string, string>, tool = 'query') {
  const params = { name: `up__${tool}`, ...(args && { arguments: args }) };
  const { status, answer } = await askModern(gateway.url, 'tools/call', { params, headers });
  return answer.result === undefined ? [status, answer.error?.code] : 'served';
}

describe('a call of a tool whose arguments are repeated in headers', () => {
  test.each([
    ['with equal headers', { region: 'eu', count: 7, dry: true }, { region: 'eu', count: '7', dry: 'true' }],
    ['with an encoded header', { region: 'Zürich' }, { region: '=?base64?WsO8cmljaA==?=' }],
    ['with an integer in another form', { count: 42 }, { count: '42.0' }],
    ['with a nested argument', { target: { zone: 'z1' } }, { zone: 'z1' }],
    ['without the arguments and their headers', { plain: 'p' }, {}],
    ['with null and no header', { region: null }, {}],
    ['with a header of an absent argument', { plain: 'p' }, { region: 'eu' }],
    ['with a header of no argument', { region: 'eu' }, { region: 'eu', other: 'x' }],
    ['without any arguments', undefined, {}],
  ])('is served %s', async (_, args, values) => {
    const headers = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`Mcp-Param-${name}`, value]),
    );
    expect(await codeOf(args, headers)).toBe('served');
  });

  test.each([
    ['without a header', { region: 'eu' }, {}],
    ['with another text', { region: 'eu' }, { region: 'us' }],
    ['with the text in other case', { region: 'eu' }, { region: 'EU' }],
    ['with another number', { count: 42 }, { count: '43' }],
    ['with no number', { count: 42 }, { count: 'many' }],
    ['with another boolean', { dry: false }, { dry: 'true' }],
    ['with another nested text', { target: { zone: 'z1' } }, { zone: 'z2' }],
    ['with bad padding', { region: 'Hello' }, { region: '=?base64?SGVsbG8?=' }],
    ['with bad characters', { region: 'Hello' }, { region: '=?base64?SGV!bG8=?=' }],
    [
      'with the decoded text in place of a literal one',
      { region: '=?base64?eA==?=' },
      { region: '=?base64?eA==?=' },
    ],
  ])('is refused %s', async (_, args, values) => {
    const headers = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`Mcp-Param-${name}`, value]),
    );
    expect(await codeOf(args, headers)).toEqual([400, -32020]);
  });
});

test('headers do not matter to a tool whose annotations are invalid', async () => {
  expect(await codeOf({ a: 'x', b: 'y' }, {}, 'broken')).toBe('served');
});
