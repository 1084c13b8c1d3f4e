import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { startDemoServer } from '../../../../src/cli/serving/demo-server.ts';

let server: Awaited<ReturnType<typeof startDemoServer>>;
let clients: Client[];
beforeEach(() => {
  server = startDemoServer();
  clients = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.stop();
});

async function connect() {
  const client = new Client({ name: 'test', version: '1.0.0' });
  clients.push(client);
  const transport = new StreamableHTTPClientTransport(new URL(server.url));
  await client.connect(transport);
  return { client, transport };
}

describe('the tools of the demo', () => {
  test('are described, annotated and listed in a fixed order', async () => {
    const { client } = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'add', 'work_slowly', 'server_time', 'fail']);
    for (const tool of tools) {
      expect(tool.description?.length).toBeGreaterThan(20);
      expect(tool.annotations?.readOnlyHint).toBe(true);
    }
    expect(tools[1]?.outputSchema?.required).toEqual(['sum']);
  });

  test('answer with text, structured content or an error', async () => {
    const { client } = await connect();
    const echo = await client.callTool({ name: 'echo', arguments: { text: 'ü' } });
    expect(echo.content).toEqual([{ type: 'text', text: 'ü' }]);
    const add = await client.callTool({ name: 'add', arguments: { a: 2, b: 0.5 } });
    expect(add).toMatchObject({
      content: [{ type: 'text', text: '{"sum":2.5}' }],
      structuredContent: { sum: 2.5 },
    });
    const time = await client.callTool({ name: 'server_time' });
    expect(time.structuredContent).toMatchObject({ utc: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
    const fail = await client.callTool({ name: 'fail' });
    expect(fail).toMatchObject({ isError: true, content: [{ type: 'text', text: 'Failed: as asked' }] });
  });

  test('report progress while they work', async () => {
    const { client } = await connect();
    const seen: unknown[] = [];
    const call = { name: 'work_slowly', arguments: { seconds: 0.02, steps: 2 } };
    const result = await client.callTool(call, undefined, { onprogress: (progress) => seen.push(progress) });
    expect(result.content).toEqual([{ type: 'text', text: 'Done: 2 steps in 0.02 s' }]);
    expect(seen).toEqual([
      { progress: 1, total: 2, message: 'step 1 of 2' },
      { progress: 2, total: 2, message: 'step 2 of 2' },
    ]);
  });
});

describe('a session of the demo', () => {
  test('belongs to one client and ends with DELETE', async () => {
    const [first, second] = [await connect(), await connect()];
    const id = first.transport.sessionId ?? '';
    expect(id).not.toBe(second.transport.sessionId ?? '');
    await first.transport.terminateSession();
    expect((await ping(id)).status).toBe(404);
    expect((await ping(second.transport.sessionId ?? '')).status).toBe(200);
  });

  test('makes room for a new one once there are a hundred', async () => {
    const oldest = (await connect()).transport.sessionId ?? '';
    for (let session = 1; session < 100; session += 1) await connect();
    expect((await ping(oldest)).status).toBe(200);
    await connect();
    expect((await ping(oldest)).status).toBe(404);
  });

  test('is needed for everything but initialize', async () => {
    expect((await ping()).status).toBe(400);
  });
});

function ping(session?: string): Promise<Response> {
  return fetch(server.url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(session !== undefined && { 'Mcp-Session-Id': session }),
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });
}
