// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { describe, expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const names = async (session: RawSession) => {
  const { answer } = await session.request('tools/list');
  return answer.result.tools.map(({ name }: { name: string }) => name);
};

describe('a disabled server', () => {
  test('is not connected, listed or counted; /health shows it in order and stays ok', async () => {
    await using upstream = await fakeUpstream();
    await using other = await fakeUpstream();
    const off = {
      name: 'off',
      url: `${upstream.url}?key=\${MISSING_KEY}`,
      enabled: false,
      required: true,
      auth: { type: 'bearer', token_env: 'MISSING_TOKEN' },
    };
    const servers = [{ name: 'one', url: other.url }, off, { name: 'two', url: other.url }];
    await using gateway = await startGateway({ servers });
    await gateway.connected('one', 'two');
    const health = await gateway.health();
    expect(health.status).toBe('ok');
    expect(health.servers.map(({ name, connected }) => [name, connected])).toEqual([
      ['one', true],
      ['off', false],
      ['two', true],
    ]);
    expect(health.servers[1]).toEqual({
      name: 'off',
      url: upstream.url,
      protocol: 'auto',
      required: true,
      connected: false,
      state: 'disabled',
      era: null,
      protocol_version: null,
      tools_count: 0,
      prompts_count: 0,
      resources_count: 0,
      client_sessions: 0,
      log_messages_dropped: 0,
      last_seen_seconds_ago: null,
      reconnects: 0,
      next_retry_seconds: null,
      last_error: null,
    });
    expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(200);
    await using session = await RawSession.open(gateway.url);
    expect(await names(session)).toEqual(['one__echo', 'two__echo']);
    const { answer } = await session.request('tools/call', { name: 'off__echo' });
    expect(answer.error).toMatchObject({ code: -32602, message: 'Unknown tool: "off__echo"' });
    expect((await gateway.metrics()).text).not.toContain('server="off"');
    expect(upstream.received).toEqual([]);
    expect(gateway.logs.join('')).toContain('servers[1].required has no effect while enabled is false');
  });

  test('is added by a reload that enables it, and removed by one that disables it, after its calls', async () => {
    const release = Promise.withResolvers<void>();
    await using upstream = await fakeUpstream({
      async onPost({ id, method }) {
        if (method !== 'tools/call') return undefined;
        await release.promise;
        return rpcResult(id, { content: [{ type: 'text', text: 'held' }] });
      },
    });
    const server = { name: 'up', url: upstream.url };
    const [off, on] = [{ servers: [{ ...server, enabled: false }] }, { servers: [server] }];
    await using gateway = await startGateway(off);
    expect(await gateway.reload(on)).toMatchObject({ added: 1, removed: 0 });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const held = session.callText('up__echo');
    await waitUntil('the call', () => upstream.executions('echo') === 1);

    expect(await gateway.reload(off)).toMatchObject({ added: 0, removed: 1, restarted: 0, updated: 0 });
    expect(await names(session)).toEqual([]);
    expect((await gateway.health()).servers).toMatchObject([{ name: 'up', state: 'disabled' }]);
    expect((await gateway.metrics()).text).not.toContain('server="up"');
    release.resolve();
    expect(await held).toBe('held');
    await waitUntil('the leave', () => upstream.received.at(-1)?.httpMethod === 'DELETE');
  });
});
