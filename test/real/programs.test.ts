import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLines, remoteClients, sdkClients } from '../support/client-programs.ts';
import { everythingTools, startEverything } from '../support/everything.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { startSdkV2Modern } from '../support/sdk-v2.ts';

// Clients and servers that people run, with one gateway between all of them.

setDefaultTimeout(60_000);

const clients = { ...sdkClients, ...remoteClients, ...commandLines };

/** server-everything by the transport of the gateway's connection to it, under the names of the views. */
const transports = [
  ['Streamable HTTP', 'http'],
  ['HTTP+SSE', 'sse'],
  ['stdio', 'stdio'],
] as const;

const binaries = join(import.meta.dir, '../../node_modules/.bin');
const stack = new AsyncDisposableStack();
let folder: string;
let gateway: TestGateway;

/** A server from npm that runs on Bun. */
const program = (name: string, ...args: string[]) => ({
  command: process.execPath,
  args: [join(binaries, `mcp-server-${name}`), ...args],
});

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-programs-')));
  const memory = join(folder, 'memory.json');
  writeFileSync(join(folder, 'note.txt'), 'written by a test');
  const http = stack.use(await startEverything('streamableHttp'));
  const sse = stack.use(await startEverything('sse'));
  const modern = stack.use(await startSdkV2Modern());
  gateway = stack.use(
    await startGateway({
      servers: [
        { name: 'http', url: http.url },
        { name: 'sse', url: sse.url },
        { name: 'stdio', ...program('everything') },
        { name: 'modern', url: modern.url },
        { name: 'files', ...program('filesystem', folder) },
        { name: 'memory', ...program('memory'), env: { MEMORY_FILE_PATH: memory } },
        { name: 'thinking', ...program('sequential-thinking') },
      ],
    }),
  );
  await gateway.connected();
});

afterAll(async () => {
  await stack.disposeAsync();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(Object.entries(clients))('through the gateway, %s', (name, connect) => {
  test.each(transports)('reaches server-everything over %s in its own view', async (_transport, view) => {
    await using client = await connect(`${gateway.url}/${view}`);
    expect(await client.toolNames()).toEqual(everythingTools);
    const tool = 'trigger-long-running-operation';
    const done = (seconds: number) =>
      `Long running operation completed. Duration: ${seconds} seconds, Steps: 3.`;
    if (name in commandLines) {
      expect(await client.call(tool, { duration: 0.03, steps: 3 })).toBe(done(0.03));
      return;
    }
    // The SDK's client on stdio, which is in front of mcp-remote, drops progress that it reads together with the result.
    const duration = name in remoteClients ? 1 : 0.03;
    const called = await client.watch?.(tool, { duration, steps: 3 });
    expect(called?.text).toBe(done(duration));
    if (name in sdkClients) expect(called?.progress).toEqual([1, 2, 3]);
    else expect(called?.progress.join()).toMatch(/^1(,2(,3)?)?$/);
  });

  test('reaches a server of revision 2026-07-28', async () => {
    await using client = await connect(`${gateway.url}/modern`);
    expect(await client.call('steps', { steps: 3 })).toBe('3 steps done');
  });

  test('reads a resource, and a prompt if it knows them', async () => {
    await using client = await connect(`${gateway.url}/stdio`);
    const uri = 'demo://resource/static/document/features.md';
    expect(await client.resourceUris()).toContain(uri);
    expect(await client.read(uri)).toStartWith('# Everything Server - Features');
    const prompt = await client.prompt?.('args-prompt', { city: 'Paris' });
    if (client.prompt) expect(prompt).toBe("What's weather in Paris?");
  });

  test('calls servers of the protocol project on stdio by their qualified names', async () => {
    await using client = await connect(gateway.url);
    const step = { thought: 'a', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false };
    const [note, graph, thought] = await Promise.all([
      client.call('files__read_text_file', { path: join(folder, 'note.txt') }),
      client.call('memory__read_graph'),
      client.call('thinking__sequentialthinking', step),
    ]);
    expect(note).toBe('written by a test');
    expect(JSON.parse(graph)).toEqual({ entities: [], relations: [] });
    expect(JSON.parse(thought)).toMatchObject({ thoughtNumber: 1, nextThoughtNeeded: false });
  });
});

describe.each(Object.entries({ ...sdkClients, ...remoteClients }))(
  'asked through the gateway, %s',
  (_client, connect) => {
    test.each(transports)('answers server-everything over %s', async (_transport, view) => {
      await using client = await connect(`${gateway.url}/${view}`);
      const form = await client.call('trigger-elicitation-request');
      expect(form).toBe('✅ User provided the requested information!');
      const sampled = await client.call('trigger-sampling-request', { prompt: 'Which city?' });
      expect(sampled).toContain('"text": "Paris"');
      expect(client.questions).toEqual([expect.stringMatching(/^form /), 'sampling']);
    });
  },
);
