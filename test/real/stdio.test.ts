import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectV1 } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';

const root = join(import.meta.dir, '../..');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-real-stdio-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A server from npm that runs on Bun. */
const server = (name: string, args: string[] = [], env: Record<string, string> = {}) => ({
  name,
  command: process.execPath,
  args: [join(root, 'node_modules/.bin', `mcp-server-${name}`), ...args],
  ...(Object.keys(env).length > 0 && { env }),
});

describe('servers of the protocol project, over stdio', () => {
  test('everything: tools, progress and a resource', async () => {
    await using gateway = await startGateway({ servers: [server('everything')] });
    await gateway.connected();
    await using client = await connectV1(gateway.url);
    expect(await client.toolNames()).toContain('everything__echo');
    const called = await client.call('everything__trigger-long-running-operation', { duration: 1, steps: 2 });
    expect([called.text, called.progress]).toEqual([
      'Long running operation completed. Duration: 1 seconds, Steps: 2.',
      [1, 2],
    ]);
    const { resources } = await client.client.listResources();
    expect(resources.length).toBeGreaterThan(0);
    const { contents } = await client.client.readResource({ uri: resources[0]?.uri ?? '' });
    expect(contents).toHaveLength(1);
  });

  test('filesystem: keeps the folders of its arguments, because roots are refused and not empty', async () => {
    writeFileSync(join(folder, 'note.txt'), 'written by a test');
    await using gateway = await startGateway({ servers: [server('filesystem', [folder])] });
    await gateway.connected();
    await using client = await connectV1(gateway.url);
    expect((await client.call('filesystem__list_allowed_directories', {})).text).toBe(
      `Allowed directories:\n${folder}`,
    );
    const path = join(folder, 'note.txt');
    expect((await client.call('filesystem__read_text_file', { path })).text).toBe('written by a test');
  });

  test('memory: gets its file by a variable', async () => {
    const path = join(folder, 'memory.json');
    await using gateway = await startGateway({ servers: [server('memory', [], { MEMORY_FILE_PATH: path })] });
    await gateway.connected();
    await using client = await connectV1(gateway.url);
    const entities = [{ name: 'gateway', entityType: 'program', observations: ['runs'] }];
    await client.client.callTool({ name: 'memory__create_entities', arguments: { entities } });
    expect(readFileSync(path, 'utf8')).toContain('"name":"gateway"');
  });

  test('sequential thinking: answers with structured content', async () => {
    await using gateway = await startGateway({ servers: [server('sequential-thinking')] });
    await gateway.connected();
    await using client = await connectV1(gateway.url);
    const args = { thought: 'a', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
    const [name = ''] = await client.toolNames();
    const result = await client.client.callTool({ name, arguments: args });
    expect(result.structuredContent).toMatchObject({ thoughtNumber: 1, nextThoughtNeeded: false });
  });
});
