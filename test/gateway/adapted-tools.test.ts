import { expect, setDefaultTimeout, test } from 'bun:test';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { startGateway } from '../support/gateway.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const outputSchema = {
  anyOf: [{ type: 'array', items: { $ref: '#/$defs/Point' } }, { $ref: '#/$defs/Point' }],
  $defs: { Point: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
};
const outputs: Readonly<Record<string, unknown>> = { many: [{ x: 1 }], one: { x: 1 } };

/** A server of the v2 SDK that speaks the modern era alone, with structured output of any kind. */
function startModernServer() {
  const handler = createMcpHandler(
    () => {
      const server = new Server({ name: 'shapes', version: '1.0.0' }, { capabilities: { tools: {} } });
      server.setRequestHandler('tools/list', () => ({
        tools: Object.keys(outputs).map((name) => ({
          name,
          inputSchema: { type: 'object' as const },
          outputSchema,
        })),
      }));
      server.setRequestHandler('tools/call', ({ params }) => ({
        content: [{ type: 'text', text: JSON.stringify(outputs[params.name]) }],
        structuredContent: outputs[params.name],
      }));
      return server;
    },
    { legacy: 'reject' },
  );
  const http = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => handler.fetch(request) });
  return {
    url: `http://127.0.0.1:${http.port}/mcp`,
    [Symbol.asyncDispose]: () => http.stop(true),
  };
}

test('structured output that is no object reaches clients of both eras, which validate it', async () => {
  await using server = startModernServer();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();

  const modern = new ClientV2(
    { name: 'modern', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await modern.connect(new TransportV2(new URL(gateway.url)));
  expect((await modern.listTools()).tools.map((tool) => tool.outputSchema)).toEqual([
    outputSchema,
    outputSchema,
  ]);
  expect((await modern.callTool({ name: 'up__many' })).structuredContent).toEqual([{ x: 1 }]);
  await modern.close();

  const legacy = new ClientV1({ name: 'legacy', version: '1.0.0' });
  await legacy.connect(new TransportV1(new URL(gateway.url)) as Parameters<ClientV1['connect']>[0]);
  expect((await legacy.listTools()).tools.map((tool) => tool.outputSchema?.type)).toEqual([
    'object',
    'object',
  ]);
  expect((await legacy.callTool({ name: 'up__many' })).structuredContent).toEqual({ result: [{ x: 1 }] });
  expect((await legacy.callTool({ name: 'up__one' })).structuredContent).toEqual({ result: { x: 1 } });
  await legacy.close();
});
