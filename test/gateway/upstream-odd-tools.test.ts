import { describe, expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { connectV1, connectV2 } from '../support/clients.ts';
import { echoTool, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const inputSchema = { type: 'object' };
const warnings = (gateway: TestGateway) =>
  gateway.logs.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn');

describe('a list of odd tools', () => {
  const listed = [
    { ...echoTool, name: 'good' },
    { name: 'no-schema' },
    { name: 'null-schema', inputSchema: null },
    { name: 'schema-without-type', inputSchema: {} },
    { name: 'schema-of-a-text', inputSchema: { type: 'string' } },
    { name: 'boolean-property', inputSchema: { type: 'object', properties: { a: true } } },
    { name: 17, inputSchema },
    'a text',
    { name: 'numbered', inputSchema, description: 5 },
    { name: 'wrong-hint', inputSchema, annotations: { readOnlyHint: 'yes' } },
    { name: 'wrong-output', inputSchema, outputSchema: { type: 'array' } },
    { name: 'wrong-icons', inputSchema, icons: 'icon.png' },
    { name: 'wrong-execution', inputSchema, execution: { taskSupport: 'perhaps' } },
    {
      name: 'nulls',
      title: null,
      description: null,
      inputSchema: { type: 'object', properties: null, required: null },
      outputSchema: null,
      annotations: { readOnlyHint: null, title: null },
      icons: null,
      execution: null,
      _meta: null,
    },
    {
      name: 'bad-pattern',
      inputSchema,
      outputSchema: { type: 'object', properties: { a: { pattern: '[', minimum: null } } },
    },
    { name: 'half', inputSchema, description: 'cut \ud83d' },
    { name: 'php', inputSchema: { type: 'object', properties: [] }, annotations: [], _meta: [] },
    { ...echoTool, name: 'last' },
  ];

  test('is accepted by both SDK clients without the tools that they refuse, and so are the tools of others', async () => {
    await using odd = await fakeUpstream({
      onPost: ({ id, method }) => (method === 'tools/list' ? rpcResult(id, { tools: listed }) : undefined),
    });
    await using even = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [
        { name: 'odd', url: odd.url },
        { name: 'even', url: even.url },
      ],
    });
    await gateway.connected();
    const names = [
      'odd__good',
      'odd__nulls',
      'odd__bad-pattern',
      'odd__half',
      'odd__php',
      'odd__last',
      'even__echo',
    ];
    await using v1 = await connectV1(gateway.url);
    expect(await v1.toolNames()).toEqual(names);
    await using v2 = await connectV2(gateway.url);
    expect(await v2.toolNames()).toEqual(names);
    expect((await v1.client.listTools()).tools[1]).toEqual({
      name: 'odd__nulls',
      inputSchema: { type: 'object' },
      annotations: {},
    });
    const [warning, ...others] = warnings(gateway);
    expect(others).toEqual([]);
    expect(warning.server).toBe('odd');
    expect(warning.faults).toStartWith(
      '"no-schema" is left out: inputSchema is missing; "null-schema" is left',
    );
    expect(warning.faults).toEndWith('; and 8 more');
    // Omitted tools are unknown, not just unlisted.
    await expect(v1.call('odd__no-schema', {})).rejects.toThrow('Unknown tool');
  });

  test('causes one warning, and another one when its faults change', async () => {
    const tools: object[] = [echoTool, { name: 'bad' }];
    await using upstream = await fakeUpstream({
      onPost: ({ id, method }) => (method === 'tools/list' ? rpcResult(id, { tools }) : undefined),
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
    });
    await gateway.connected();
    const lists = () => upstream.messages('tools/list').length;
    await waitUntil('refreshes', () => lists() > 4);
    expect(warnings(gateway)).toHaveLength(1);
    tools.push({ name: 'worse' });
    await waitUntil('the second warning', () => warnings(gateway).length === 2);
    expect(warnings(gateway)[1].faults).toBe(
      '"bad" is left out: inputSchema is missing; "worse" is left out: inputSchema is missing',
    );
    tools.length = 1;
    const before = lists();
    await waitUntil('refreshes', () => lists() > before + 2);
    expect(warnings(gateway)).toHaveLength(2);
  });
});
