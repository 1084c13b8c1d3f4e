import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { type Child, startChild } from '../support/child.ts';
import { startGateway } from '../support/gateway.ts';

setDefaultTimeout(60_000);

const conformance = join(import.meta.dir, '../conformance');
const capabilities = { elicitation: { form: {} } };

/** A client whose user answers each question with its own name and the question. */
interface NamedClient extends AsyncDisposable {
  ask(message: string): Promise<string>;
}

async function legacyClient(url: string, name: string): Promise<NamedClient> {
  const client = new ClientV1({ name, version: '1.0.0' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => answerOf(name, params.message));
  await client.connect(new TransportV1(new URL(url)) as Parameters<ClientV1['connect']>[0]);
  return {
    ask: async (message) => textOf(await client.callTool({ name: 'up__test_ask', arguments: { message } })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function modernClient(url: string, name: string): Promise<NamedClient> {
  const client = new ClientV2(
    { name, version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.setRequestHandler('elicitation/create', ({ params }) => answerOf(name, params.message));
  await client.connect(new TransportV2(new URL(url)));
  return {
    ask: async (message) => textOf(await client.callTool({ name: 'up__test_ask', arguments: { message } })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function answerOf(name: string, message: string) {
  // People do not answer in the order of the questions.
  await Bun.sleep(Math.random() * 50);
  return { action: 'accept' as const, content: { response: `${name} on ${message}` } };
}

function textOf(result: unknown): string {
  return (result as { content: { text: string }[] }).content[0]?.text ?? '';
}

const clients = { legacy: legacyClient, modern: modernClient };

/** Asks 200 questions at once from 20 clients; returns the answers that are not the client's own, or the errors. */
async function strays(url: string, connect: (typeof clients)['legacy']): Promise<string[]> {
  const names = Array.from({ length: 20 }, (_, index) => `client-${index}`);
  const opened = await Promise.all(names.map(async (name) => ({ name, client: await connect(url, name) })));
  const asked = opened.flatMap(({ name, client }) =>
    Array.from({ length: 10 }, async (_, index) => {
      const question = `${name} question ${index}`;
      const answer = await client.ask(question).catch((error) => String(error));
      return answer === `${question}: ${name} on ${question}` ? [] : [answer];
    }),
  );
  const found = (await Promise.all(asked)).flat();
  await Promise.all(opened.map(({ client }) => client[Symbol.asyncDispose]()));
  return found;
}

const children: Child[] = [];
afterAll(() => Promise.all(children.map((child) => child.end())));

async function urlOf(script: string, ...args: string[]): Promise<string> {
  const child = await startChild([process.execPath, join(conformance, script), 'http', ...args], {
    ready: '/mcp',
  });
  children.push(child);
  return /http:\S+/.exec(child.output())?.[0] ?? '';
}

const servers: Record<string, () => Promise<object>> = {
  legacy: async () => ({ url: await urlOf('serve-v1.ts') }),
  modern: async () => ({ url: await urlOf('serve-v2.ts', 'modern') }),
};

describe('of 200 calls of 20 clients at once, each gets the answer to its own question:', () => {
  test.each(
    Object.entries(servers).flatMap(([server, start]) =>
      Object.entries(clients).map(([client, connect]) => [client, server, connect, start] as const),
    ),
  )('%s clients, one shared %s server', async (_client, _server, connect, start) => {
    await using gateway = await startGateway({ servers: [{ name: 'up', ...(await start()) }] });
    await gateway.connected();
    expect(await strays(gateway.url, connect)).toEqual([]);
  });

  test.each(Object.entries(clients))('%s clients, an isolated legacy server', async (_client, connect) => {
    const server = { name: 'up', isolation: 'session', url: await urlOf('serve-v1.ts') };
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    expect(await strays(gateway.url, connect)).toEqual([]);
  });

  test.each(Object.entries(clients))(
    '%s clients, an isolated server over stdio',
    async (_client, connect) => {
      const server = { name: 'up', isolation: 'session', ...overStdio() };
      await using gateway = await startGateway({ servers: [server] });
      await gateway.connected();
      expect(await strays(gateway.url, connect)).toEqual([]);
    },
  );
});

test.each(Object.entries(clients))(
  'over one shared stdio server, the questions of %s clients are refused by name, never crossed',
  async (_client, connect) => {
    await using gateway = await startGateway({ servers: [{ name: 'up', ...overStdio() }] });
    await gateway.connected();
    const refused = await strays(gateway.url, connect);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter((text) => !text.includes('isolation: session'))).toEqual([]);
  },
);

function overStdio() {
  return { command: process.execPath, args: [join(conformance, 'serve-v1.ts'), 'stdio'] };
}
