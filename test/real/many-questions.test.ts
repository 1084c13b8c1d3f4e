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

const servers = {
  legacy: {
    http: async () => ({ url: await urlOf('serve-v1.ts') }),
    stdio: async () => overStdio('serve-v1.ts'),
  },
  modern: {
    http: async () => ({ url: await urlOf('serve-v2.ts', 'modern') }),
    stdio: async () => overStdio('serve-v2.ts', 'modern'),
  },
};

function overStdio(script: string, ...args: string[]) {
  return { command: process.execPath, args: [join(conformance, script), 'stdio', ...args] };
}

/** Every pairing of a client and a server, over both transports. */
const pairings = (['legacy', 'modern'] as const).flatMap((client) =>
  (['legacy', 'modern'] as const).flatMap((server) =>
    (['http', 'stdio'] as const).map((transport) => [client, server, transport] as const),
  ),
);

/** As {@link strays}, through a gateway to one server. */
async function straysThrough([client, server, transport]: (typeof pairings)[number], settings: object) {
  const up = { name: 'up', ...(await servers[server][transport]()), ...settings };
  await using gateway = await startGateway({ servers: [up] });
  await gateway.connected();
  return await strays(gateway.url, clients[client]);
}

/** On a stream that all calls share, nothing tells whose question a legacy server asks. */
const isRefused = ([, server, transport]: (typeof pairings)[number]) =>
  server === 'legacy' && transport === 'stdio';

describe('of 200 calls of 20 clients at once, each gets the answer to its own question:', () => {
  test.each(pairings.filter((pairing) => !isRefused(pairing)))(
    '%s clients, one shared %s server over %s',
    async (client, server, transport) =>
      expect(await straysThrough([client, server, transport], {})).toEqual([]),
  );

  test.each(pairings)('%s clients, an isolated %s server over %s', async (client, server, transport) =>
    expect(await straysThrough([client, server, transport], { isolation: 'session' })).toEqual([]),
  );
});

test.each(pairings.filter(isRefused))(
  'the questions of %s clients to one shared %s server over %s are refused by name, never crossed',
  async (client, server, transport) => {
    const refused = await straysThrough([client, server, transport], {});
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter((text) => !text.includes('isolation: session'))).toEqual([]);
  },
);
