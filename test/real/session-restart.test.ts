import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { connectV1, connectV2, type TestClient } from '../support/clients.ts';
import { type Program, startProgram } from '../support/program.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil } from '../support/wait.ts';

setDefaultTimeout(60_000);
failOnStrayErrors();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-restart-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A client that counts the notifications of changed tools. */
interface Listening {
  readonly client: TestClient;
  told(): number;
  sessionId(): string | undefined;
}

const clients: [string, (url: string) => Promise<Listening>][] = [
  [
    'v1',
    async (url) => {
      const client = await connectV1(url);
      let told = 0;
      client.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void told++);
      return { client, told: () => told, sessionId: () => client.client.transport?.sessionId };
    },
  ],
  [
    'v2, legacy',
    async (url) => {
      const client = await connectV2(url, 'legacy');
      let told = 0;
      client.client.setNotificationHandler('notifications/tools/list_changed', () => void told++);
      return { client, told: () => told, sessionId: () => client.client.transport?.sessionId };
    },
  ],
];

describe.each(clients)('a client on the SDK %s', (_, connect) => {
  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'keeps its session after its gateway got %s and was restarted',
    async (signal) => {
      await using server = await startSdkV1();
      const port = freePort();
      const path = join(folder, 'mcpstead.yaml');
      const servers = `servers: [{ name: up, url: '${server.url}', required: true }]`;
      writeFileSync(path, `port: ${port}\nstate_dir: ${join(folder, 'state')}\n${servers}\n`);
      const serve = async (): Promise<Program> => {
        const program = startProgram(['--config', path]);
        await program.printed('serving http://');
        return program;
      };

      const first = await serve();
      const { client, told, sessionId } = await connect(`http://127.0.0.1:${port}/mcp`);
      await using _client = client;
      expect((await client.call('up__echo', { message: 'before' })).text).toBe('before');
      const id = sessionId();
      expect(id).toBeString();
      first.signal(signal);
      await first.ended();

      await using _second = await serve();
      // The client's connections are closed, so the call goes to the new process at once.
      expect((await client.call('up__echo', { message: 'after' })).text).toBe('after');
      expect(sessionId()).toBe(id);

      // The client reopens its stream within a second or two.
      const before = told();
      let name = 0;
      await waitUntil('a change that it is told of', async () => {
        await server.addTool(`late${++name}`);
        await Bun.sleep(200);
        return told() > before;
      });
      expect(await client.toolNames()).toContain('up__late1');
    },
  );
});
