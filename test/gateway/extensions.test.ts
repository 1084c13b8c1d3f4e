import { describe, expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { SkillsClient } from '@modelcontextprotocol/client/ext/skills';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { McpServer } from '@modelcontextprotocol/server';
import { memorySkillFiles, SkillsExtension } from '@modelcontextprotocol/server/ext/skills';
import { z } from 'zod';
import { rpcResult } from '../support/answers.ts';
import { fakeModern } from '../support/fake-modern.ts';
import { startGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { RawSession } from '../support/rpc.ts';
import { type Served, serveV1, serveV2, serveV2Legacy } from '../support/sdk-served.ts';
import { waitUntil } from '../support/wait.ts';

const skillText = (name: string) => `---\nname: ${name}\ndescription: Does ${name}\n---\n# ${name}\n`;

/** A server with one skill of two files. */
async function skillServer(name: string): Promise<() => McpServer> {
  const files = memorySkillFiles({
    [`${name}/SKILL.md`]: skillText(name),
    [`${name}/more/NOTES.md`]: `notes of ${name}`,
  });
  const skills = await SkillsExtension.load(files);
  return () => {
    const server = new McpServer({ name, version: '1.0.0' }, { capabilities: { tools: {} } });
    server.registerTool('t', { description: 'A tool' }, () => ({ content: [] }));
    skills.attach(server);
    return server;
  };
}

async function startInFrontOf(served: Record<string, Served>) {
  const servers = Object.entries(served).map(([name, { url }]) => ({ name, url }));
  const gateway = await startGateway({ servers });
  await gateway.connected();
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await Promise.all(Object.values(served).map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

const eras = {
  legacy: { serve: serveV2Legacy, mode: 'legacy' },
  modern: { serve: serveV2, mode: { pin: '2026-07-28' } },
} as const;

describe.each(Object.keys(eras) as (keyof typeof eras)[])(
  'skills of two servers of the %s era',
  (serverEra) => {
    test.each(Object.keys(eras) as (keyof typeof eras)[])(
      'are one list to a client of the %s era',
      async (clientEra) => {
        const { serve } = eras[serverEra];
        const served = { a: serve(await skillServer('alpha')), b: serve(await skillServer('beta')) };
        await using started = await startInFrontOf(served);
        const client = new Client(
          { name: 'client', version: '1.0.0' },
          { versionNegotiation: { mode: eras[clientEra].mode } },
        );
        await client.connect(new StreamableHTTPClientTransport(new URL(started.gateway.url)));
        const skills = new SkillsClient(client);
        expect(skills.directoryRead).toBe(true);
        const { skills: listed } = await skills.list();
        expect(listed.map(({ frontmatter }) => frontmatter.name)).toEqual(['alpha', 'beta']);
        const { skill } = await skills.get(listed[1]?.uri ?? '');
        expect(skill.uri).toBe('skill://beta/SKILL.md');
        const { contents } = await client.readResource({ uri: 'skill://beta/more/NOTES.md' });
        expect(contents).toMatchObject([{ text: 'notes of beta' }]);
        await client.close();
      },
    );
  },
);

test('a skill that a filter of resources hides is neither listed nor read', async () => {
  const served = {
    a: serveV2Legacy(await skillServer('alpha')),
    b: serveV2Legacy(await skillServer('beta')),
  };
  const resources = { deny: ['skill://beta/*'] };
  const gateway = await startGateway({
    servers: [
      { name: 'a', url: served.a.url },
      { name: 'b', url: served.b.url, resources },
    ],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('skills/list');
  expect(answer.result.skills.map(({ uri }: { uri: string }) => uri)).toEqual(['skill://alpha/SKILL.md']);
  const read = await session.request('resources/read', { uri: 'skill://beta/SKILL.md' });
  expect(read.answer.error).toBeDefined();
  expect(served.b.received).not.toContain('resources/read');
  await gateway.gateway.stop();
  await Promise.all([served.a, served.b].map((one) => one[Symbol.asyncDispose]()));
});

test('the list of the skills of several servers may be cached as that of the strictest of them', async () => {
  const skillsExtension = 'io.modelcontextprotocol/skills';
  const listing = (name: string, ttlMs: number, cacheScope: string) =>
    fakeModern({
      discovery: { capabilities: { extensions: { [skillsExtension]: {} } } },
      onPost({ id, method }) {
        const skills = [{ uri: `skill://${name}/SKILL.md` }];
        return method === 'skills/list'
          ? rpcResult(id, { resultType: 'complete', skills, ttlMs, cacheScope })
          : undefined;
      },
    });
  await using a = await listing('a', 5_000, 'public');
  await using b = await listing('b', 3_000, 'private');
  await using c = await listing('c', 9_000, 'public');
  const servers = Object.entries({ a, b, c }).map(([name, { url }]) => ({ name, url }));
  const hintsOf = async (names: string[]) => {
    const profiles = [{ name: 'some', servers: names }];
    await using gateway = await startGateway({ servers, profiles });
    await gateway.connected();
    const { answer } = await askModern(`${gateway.url}/some`, 'skills/list');
    const { skills, ttlMs, cacheScope } = answer.result;
    return [skills.length, ttlMs, cacheScope];
  };
  expect(await hintsOf(['a', 'b', 'c'])).toEqual([3, 3_000, 'private']);
  expect(await hintsOf(['a', 'c'])).toEqual([2, 5_000, 'public']);
});

test('a directory of a skill is read at its server, and an unknown skill is refused by it', async () => {
  const served = {
    a: serveV2Legacy(await skillServer('alpha')),
    b: serveV2Legacy(await skillServer('beta')),
  };
  await using started = await startInFrontOf(served);
  await using session = await RawSession.open(started.gateway.url);
  await session.request('skills/list');
  const { answer } = await session.request('resources/directory/read', { uri: 'skill://beta/more' });
  expect(answer.result).toMatchObject({ resources: [{ uri: 'skill://beta/more/NOTES.md' }] });
  const unknown = await session.request('skills/get', { uri: 'skill://beta/no/SKILL.md' });
  expect(unknown.answer.error).toMatchObject({ code: -32602 });
});

test('without a server that has skills, their methods are unknown', async () => {
  const plain = () => {
    const server = new McpServer({ name: 'plain', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.registerTool('t', { description: 'A tool' }, () => ({ content: [] }));
    return server;
  };
  await using started = await startInFrontOf({ a: serveV2Legacy(plain), b: serveV2Legacy(plain) });
  await using session = await RawSession.open(started.gateway.url);
  const { answer } = await session.request('skills/list');
  expect(answer.error).toMatchObject({ code: -32601, message: 'Method not found: "skills/list"' });
});

/** A server with a method and a notification that the gateway does not know. */
function oddServer(name: string) {
  const heard: unknown[] = [];
  const served = serveV1(() => {
    const server = new Server(
      { name, version: '1.0.0' },
      {
        capabilities: {
          tools: {},
          resources: {},
          extensions: { [`com.example/${name}`]: { a: 1 } },
        } as object,
      },
    );
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [{ name: 't', inputSchema: { type: 'object' as const } }],
    }));
    const Odd = z.object({ method: z.literal('example/odd'), params: z.looseObject({}) });
    server.setRequestHandler(
      Odd as never,
      ((request: z.infer<typeof Odd>) => ({
        [name]: request.params,
      })) as never,
    );
    const Heard = z.object({ method: z.literal('notifications/example/odd'), params: z.looseObject({}) });
    server.setNotificationHandler(
      Heard as never,
      ((notification: z.infer<typeof Heard>) => {
        heard.push(notification.params);
      }) as never,
    );
    return server;
  });
  return { served, heard };
}

describe('an unknown method', () => {
  test('passes to the only server, as do its notifications', async () => {
    const { served, heard } = oddServer('a');
    await using started = await startInFrontOf({ a: served });
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('example/odd', { deep: [1.0, { x: null }] });
    expect(answer.result).toEqual({ a: { deep: [1, { x: null }] } });
    await session.post({ jsonrpc: '2.0', method: 'notifications/example/odd', params: { n: 1 } });
    await waitUntil('the notification', () => heard.length === 1);
    expect(heard).toEqual([{ n: 1 }]);
  });

  test('that the server does not know either is not found', async () => {
    await using started = await startInFrontOf({ a: oddServer('a').served });
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('example/other');
    expect(answer.error).toEqual({ code: -32601, message: 'Method not found: "example/other"' });
  });

  test.each(['sampling/createMessage', 'elicitation/create', 'roots/list', 'server/discover'])(
    'does not pass if it is no method of servers: %s',
    async (method) => {
      const { served } = oddServer('a');
      await using started = await startInFrontOf({ a: served });
      await using session = await RawSession.open(started.gateway.url);
      const before = served.received.length;
      const { answer } = await session.request(method);
      expect(answer.error).toMatchObject({ code: -32601 });
      expect(served.received.slice(before)).not.toContain(method);
    },
  );

  test('passes to the owner of the name in its params, under the name there', async () => {
    const [a, b] = [oddServer('a'), oddServer('b')];
    await using started = await startInFrontOf({ a: a.served, b: b.served });
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('example/odd', { name: 'b__t' });
    expect(answer.result).toEqual({ b: { name: 't' } });
    const unclear = await session.request('example/odd', { name: 'x' });
    expect(unclear.answer.error).toMatchObject({ code: -32601 });
  });

  test('does not pass if the name and the URI in its params are of different servers', async () => {
    const a = oddServer('a');
    const b = serveV2Legacy(await skillServer('beta'));
    await using started = await startInFrontOf({ a: a.served, b });
    await using session = await RawSession.open(started.gateway.url);
    await session.request('skills/list');
    const before = a.served.received.length;
    const uri = 'skill://beta/SKILL.md';
    const { answer } = await session.request('example/odd', { name: 'a__t', uri });
    expect(answer.error).toMatchObject({ code: -32601 });
    expect(a.served.received.slice(before)).not.toContain('example/odd');
  });

  test('passes in the view of one server among several', async () => {
    const [a, b] = [oddServer('a'), oddServer('b')];
    await using started = await startInFrontOf({ a: a.served, b: b.served });
    await using session = await RawSession.open(`${started.gateway.url}/b`);
    const { answer } = await session.request('example/odd', { name: 't' });
    expect(answer.result).toEqual({ b: { name: 't' } });
  });
});

test('the extensions of the only server are advertised, those of several only if they can be routed', async () => {
  const capabilitiesAt = async (url: string) => {
    const client = new Client({ name: 'client', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    const capabilities = client.getServerCapabilities();
    await client.close();
    return capabilities?.extensions;
  };
  await using started = await startInFrontOf({
    a: oddServer('a').served,
    b: serveV2Legacy(await skillServer('beta')),
  });
  expect(await capabilitiesAt(started.gateway.url)).toEqual({
    'io.modelcontextprotocol/skills': { directoryRead: true },
  });
  expect(await capabilitiesAt(`${started.gateway.url}/a`)).toEqual({ 'com.example/a': { a: 1 } });
});
