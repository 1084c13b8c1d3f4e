import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { connectLegacy, connectModern, type EraClient } from '../support/era-clients.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { markdownTable } from '../support/markdown.ts';
import { waitUntil } from '../support/wait.ts';

// Client era x server era x transport x feature. Each cell is a real SDK client and a real SDK server, and the gateway between
// them. docs/protocol.md shows the table: `UPDATE_DOCS=1 npm test test/real/matrix.test.ts` writes it.

setDefaultTimeout(20_000);

const conformance = join(import.meta.dir, '../conformance');
const page = join(import.meta.dir, '../../docs/protocol.md');

const clients: Record<string, (url: string) => Promise<EraClient>> = {
  legacy: connectLegacy,
  modern: connectModern,
};

/** The commands of the servers. An HTTP server prints its URL. */
const servers: Record<string, readonly string[]> = {
  'legacy, HTTP': ['serve-v1.ts', 'http'],
  'legacy, HTTP+SSE': ['serve-v1.ts', 'sse'],
  'legacy, stdio': ['serve-v1.ts', 'stdio'],
  'modern, HTTP': ['serve-v2.ts', 'http', 'modern'],
  'modern, stdio': ['serve-v2.ts', 'stdio', 'modern'],
};

const watched = 'test://watched-resource';

/** The features, each with what a client of either era sees of it. */
const features: Record<string, (client: EraClient) => Promise<void>> = {
  async 'tools: list and call'(client) {
    expect(await client.toolNames()).toContain('up__test_simple_text');
    expect(await client.call('up__test_simple_text')).toBe('This is a simple text response for testing.');
  },
  async resources(client) {
    expect(await client.resourceUris()).toContain('test://static-text');
    expect(await client.read('test://static-text')).toBe('This is the content of the static text resource.');
  },
  async 'resource templates'(client) {
    expect(await client.templateUris()).toEqual(['test://template/{id}/data']);
    expect(JSON.parse(await client.read('test://template/123/data'))).toMatchObject({ id: '123' });
  },
  async prompts(client) {
    expect(await client.promptNames()).toContain('up__test_prompt_with_arguments');
    const prompt = await client.prompt('up__test_prompt_with_arguments', { arg1: 'a', arg2: 'b' });
    expect(prompt).toBe("Prompt with arguments: arg1='a', arg2='b'");
  },
  async completion(client) {
    expect(await client.complete('test://template/{id}/data', 'id', '12')).toEqual(['123', '124']);
  },
  async progress(client) {
    expect((await client.watch('up__test_tool_with_progress')).progress).toEqual([0, 50, 100]);
  },
  async logging(client) {
    const { logs } = await client.watch('up__test_tool_with_logging');
    expect(logs).toEqual(['Tool execution started', 'Tool processing data', 'Tool execution completed']);
  },
  async 'list changes'(client) {
    await client.listen(watched);
    await client.call('up__test_trigger_tool_change');
    await waitUntil('the change of tools', () => client.changes.includes('tools'));
    await client.call('up__test_trigger_prompt_change');
    await waitUntil('the change of prompts', () => client.changes.includes('prompts'));
  },
  async 'resource updates'(client) {
    await client.listen(watched);
    await client.call('up__test_touch_resource');
    await waitUntil('the update', () => client.changes.includes(watched));
  },
  async 'elicitation, form'(client) {
    expect(await client.call('up__test_input_required_result_elicitation')).toBe('Hello, Alice!');
    expect(client.questions).toEqual(['form What is your name?']);
  },
  async 'elicitation, URL'(client) {
    expect(await client.call('up__test_elicitation_url')).toBe('URL elicitation: accept');
    expect(client.questions).toEqual(['url https://example.com/sign-in']);
  },
  async sampling(client) {
    const text = await client.call('up__test_input_required_result_sampling');
    expect(text).toBe('Sampling response: Paris');
    expect(client.questions).toEqual(['sampling']);
  },
  async roots(client) {
    const text = await client.call('up__test_input_required_result_list_roots');
    expect(text).toBe('The client has 1 roots: file:///project');
    expect(client.questions).toEqual(['roots']);
  },
  async 'several rounds'(client) {
    expect(await client.call('up__test_input_required_result_multi_round')).toBe('Alice likes Alice');
  },
  async 'a prompt that asks'(client) {
    const text = await client.prompt('up__test_input_required_result_prompt');
    expect(text).toBe('Use this context: Alice');
  },
  // The last one: on a stream that clients share, a call that was given up keeps others from being asked for a while.
  async cancellation(client) {
    const before = Number(await client.call('up__test_cancellations'));
    const abort = new AbortController();
    const held = client.call('up__test_hold', {}, abort.signal);
    await Bun.sleep(100);
    abort.abort();
    await expect(held).rejects.toThrow();
    await waitUntil('the server sees the cancellation', async () => {
      return Number(await client.call('up__test_cancellations')) === before + 1;
    });
  },
};

const pairs = Object.entries(servers).flatMap(([server, command]) =>
  Object.entries(clients).map(([client, connect]) => [client, server, connect, command] as const),
);

describe.each(pairs)('a client of the %s era and a server of the era and transport %s', (...pair) => {
  const [, , connect, command] = pair;
  let gateway: TestGateway;
  let child: Child | null = null;

  beforeAll(async () => {
    const [script = '', ...args] = command;
    const line = [process.execPath, join(conformance, script), ...args];
    if (args[0] !== 'stdio') child = await startChild(line, { ready: '/mcp' });
    const url = /http:\S+/.exec(child?.output() ?? '')?.[0];
    const [program, ...rest] = line;
    gateway = await startGateway({
      servers: [{ name: 'up', ...(url ? { url } : { command: program, args: rest }) }],
    });
    await gateway.connected();
  });

  afterAll(async () => {
    await gateway?.gateway.stop();
    await child?.end();
  });

  test.each(Object.entries(features))('%s', async (_feature, see) => {
    await using client = await connect(gateway.url);
    await see(client);
  });
});

test('docs/protocol.md shows the table of what each pairing carries', () => {
  const columns = Object.keys(clients).flatMap((client) =>
    Object.keys(servers).map((server) => `${client} → ${server}`),
  );
  const rows = Object.keys(features).map((feature) => [feature, ...columns.map(() => 'yes')]);
  const table = markdownTable(['client → server', ...columns], rows);
  const text = readFileSync(page, 'utf8');
  const [before = '', , after = ''] = text.split(/(?<=<!-- matrix -->\n)|(?=<!-- \/matrix -->)/);
  const wanted = `${before}\n${table}\n\n${after}`;
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, wanted);
  expect(readFileSync(page, 'utf8')).toBe(wanted);
});
