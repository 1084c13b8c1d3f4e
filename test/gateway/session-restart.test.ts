import { afterEach, beforeEach, describe, expect, setSystemTime, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState } from '../../src/state/state.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestConfig } from '../support/gateway.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { messagesOf, RawSession, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-sessions-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const silent = () => {};
const logger = {
  isDebug: false,
  isTrace: false,
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
};

/** A gateway that continues the sessions of its predecessors in this test. */
function start(config: TestConfig = { servers: [] }, env: Record<string, string> = {}) {
  return startGateway(config, env, openState({ directory: folder, key: null, port: 1 }, logger));
}

/** The id of a session of a gateway that has stopped. */
async function idOfEarlier(headers: Record<string, string> = {}, ...where: Parameters<typeof start>) {
  await using gateway = await start(...where);
  return (await RawSession.open(gateway.url, { headers })).id;
}

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const named = (id: string, headers: Record<string, string> = {}) => ({ 'mcp-session-id': id, ...headers });
const get = (url: string, id: string) => fetch(url, { headers: named(id, { accept: 'text/event-stream' }) });
const end = (url: string, id: string) => fetch(url, { method: 'DELETE', headers: named(id) });

describe('a restarted gateway continues the session of its predecessor', () => {
  test('at a POST: a request, a notification, a batch', async () => {
    const id = await idOfEarlier();
    for (const body of [ping, { jsonrpc: '2.0', method: 'notifications/initialized' }, [ping, ping]]) {
      await using gateway = await start();
      const { status } = await rawPost(gateway.url, body, named(id));
      expect(status).toBeOneOf([200, 202]);
      expect((await rawPost(gateway.url, ping, named(id))).status).toBe(200);
      const metrics = await gateway.metrics();
      expect(metrics.value('mcpstead_downstream_sessions_active')).toBe(1);
      expect(metrics.value('mcpstead_downstream_sessions_total')).toBe(1);
    }
  });

  test('at a GET, which announces later changes', async () => {
    const id = await idOfEarlier();
    await using upstream = await fakeUpstream();
    await using gateway = await start();
    const response = await get(gateway.url, id);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    const stream = messagesOf(response);
    await gateway.reload({ servers: [{ name: 'up', url: upstream.url }] });
    const { value } = await within('a notice', stream.next());
    expect(value).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await stream.return(undefined);
  });

  test('at a DELETE, which ends it permanently', async () => {
    const id = await idOfEarlier();
    await using gateway = await start();
    expect((await end(gateway.url, id)).status).toBe(204);
    expect((await rawPost(gateway.url, ping, named(id))).status).toBe(404);
    const ended = { reason: 'client_delete' };
    const terminations = (await gateway.metrics()).value(
      'mcpstead_downstream_session_terminations_total',
      ended,
    );
    expect(terminations).toBe(1);
  });

  test('which lasts from its opening on', async () => {
    setSystemTime(Date.now() - 2_000);
    const id = await idOfEarlier();
    setSystemTime();
    await using gateway = await start();
    await end(gateway.url, id);
    const metrics = await gateway.metrics();
    const bucket = 'mcpstead_downstream_session_duration_seconds_bucket';
    expect([metrics.value(bucket, { le: '1' }), metrics.value(bucket, { le: '5' })]).toEqual([0, 1]);
  });

  test('but not after its own shutdown began: the next one will', async () => {
    const id = await idOfEarlier();
    let release = silent;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using upstream = await fakeUpstream({
      onPost: async ({ method }) => {
        if (method === 'tools/call') await held;
        return undefined;
      },
    });
    const gateway = await start({
      servers: [{ name: 'up', url: upstream.url }],
      mcp: { session: { shutdown_grace_seconds: 10 } },
    });
    await gateway.connected();
    const busy = await RawSession.open(gateway.url);
    const call = busy.callText('up__echo');
    await waitUntil('the call', () => upstream.executions('echo') === 1);
    const stopped = gateway.gateway.stop();
    const refused = await rawPost(gateway.url, ping, named(id));
    expect([refused.status, ((await refused.json()) as RpcMessage).error.message]).toEqual([
      503,
      'the gateway is shutting down',
    ]);
    release();
    await call;
    await stopped;
    await using next = await start();
    for (const one of [id, busy.id]) expect((await rawPost(next.url, ping, named(one))).status).toBe(200);
  });
});

describe('a session that has ended stays ended after a restart', () => {
  test.each([
    ['its client', { servers: [] }, async (url: string, id: string) => void (await end(url, id))],
    [
      'being idle',
      {
        servers: [],
        mcp: { session: { idle_ttl_seconds: 0.05, gc_interval_seconds: 0.01, shutdown_grace_seconds: 0 } },
      },
      async (url: string) => {
        const active = async () => (await fetch(`${new URL(url).origin}/metrics`)).text();
        await waitUntil('its end', async () =>
          (await active()).includes('mcpstead_downstream_sessions_active 0'),
        );
      },
    ],
  ])('by %s', async (_, config, ending) => {
    let id: string;
    {
      await using gateway = await start(config);
      ({ id } = await RawSession.open(gateway.url));
      await ending(gateway.url, id);
    }
    await using gateway = await start();
    expect((await rawPost(gateway.url, ping, named(id))).status).toBe(404);
    expect((await get(gateway.url, id)).status).toBe(404);
    expect((await end(gateway.url, id)).status).toBe(404);
  });
});

describe('an id that was not issued in this form is unknown', () => {
  test('forged, cut, lengthened or repeated', async () => {
    const id = await idOfEarlier();
    await using gateway = await start();
    const last = id.endsWith('A') ? 'B' : 'A';
    const others = [id.slice(1), id.slice(0, -1), id.slice(0, -1) + last, `${id}A`, `${id}=`, `${id}, ${id}`];
    for (const other of [...others, id.repeat(20), crypto.randomUUID()]) {
      expect((await rawPost(gateway.url, ping, named(other))).status).toBe(404);
      expect((await get(gateway.url, other)).status).toBe(404);
      expect((await end(gateway.url, other)).status).toBe(404);
    }
    expect((await gateway.metrics()).value('mcpstead_downstream_sessions_total')).toBe(0);
  });

  test('from a gateway with another key', async () => {
    const id = await idOfEarlier();
    await using gateway = await startGateway({ servers: [] });
    expect((await rawPost(gateway.url, ping, named(id))).status).toBe(404);
  });

  test('of a client without a token if one is required, and the other way round', async () => {
    const bearer = { servers: [], mcp: { auth: { mode: 'bearer' }, session: { shutdown_grace_seconds: 0 } } };
    const env = { MCPSTEAD_BEARER_TOKEN: 'a-token-of-the-test' };
    const authorization = { authorization: `Bearer ${env.MCPSTEAD_BEARER_TOKEN}` };
    const withToken = await idOfEarlier(authorization, bearer, env);
    const without = await idOfEarlier();
    await using gateway = await start(bearer, env);
    const status = async (id: string) => (await rawPost(gateway.url, ping, named(id, authorization))).status;
    expect([await status(without), await status(withToken)]).toEqual([404, 200]);
    // A reload that stops requiring a token makes the session foreign, although it is alive.
    await gateway.reload({ servers: [] });
    expect([await status(without), await status(withToken)]).toEqual([200, 404]);
  });
});

describe('the program', () => {
  const yaml = (port: number, more = '') => {
    const path = join(folder, 'mcpstead.yaml');
    writeFileSync(path, `port: ${port}\nstate_dir: ${join(folder, 'state')}\n${more}`);
    return path;
  };

  test('remembers the end of a session even if it is killed at once', async () => {
    const port = freePort();
    const url = `http://127.0.0.1:${port}/mcp`;
    const path = yaml(port);
    let ids: string[];
    {
      await using program = startProgram(['--config', path]);
      await program.printed('serving http://');
      const sessions = [await RawSession.open(url), await RawSession.open(url)];
      ids = sessions.map(({ id }) => id);
      await end(url, ids[0] as string);
      const file = join(folder, 'state', `ended-sessions-${port}`);
      await waitUntil('the file', () => readFileSync(file, 'utf8').length > 0);
      program.signal('SIGKILL');
      await program.ended();
    }
    await using program = startProgram(['--config', path]);
    await program.printed('serving http://');
    const statuses = await Promise.all(ids.map(async (id) => (await rawPost(url, ping, named(id))).status));
    expect(statuses).toEqual([404, 200]);
  });

  test('takes the key from MCPSTEAD_STATE_KEY, and shows it nowhere', async () => {
    const env = { MCPSTEAD_STATE_KEY: 'a secret of the test that is long enough' };
    let id = '';
    for (const round of [1, 2]) {
      const port = freePort();
      const url = `http://127.0.0.1:${port}/mcp`;
      await using program = startProgram(['--config', yaml(port, 'logging: { level: trace }')], { env });
      await program.printed('serving http://');
      if (round === 1) ({ id } = await RawSession.open(url));
      else expect((await rawPost(url, ping, named(id))).status).toBe(200);
      expect(program.stderr() + program.stdout()).not.toContain(env.MCPSTEAD_STATE_KEY);
    }
    expect(readdirSync(join(folder, 'state'))).toEqual(['gateways']);
  });

  test.each([['serve'], ['check']])('does not %s with one that is too short', async (command) => {
    const env = { MCPSTEAD_STATE_KEY: 'too short' };
    const { exitCode, stderr } = await runProgram([command, '--config', yaml(0)], { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('MCPSTEAD_STATE_KEY has 9 characters; expected a secret of at least 32');
    expect(stderr).not.toContain('too short');
  });

  test('warns once without a place for its state, and serves', async () => {
    writeFileSync(join(folder, 'state'), 'a file');
    await using program = startProgram(['--config', yaml(0)]);
    await program.printed('serving http://');
    expect(program.stderr().match(/client sessions do not survive a restart/g)).toHaveLength(1);
    expect(program.stderr()).toContain('set state_dir or MCPSTEAD_STATE_KEY');
  });

  test('finds the customary place, and the demo leaves nothing there', async () => {
    const env = { STATE_DIRECTORY: undefined, XDG_STATE_HOME: folder };
    {
      await using demo = startProgram(['demo', '--port', '0'], { env });
      await demo.printed('The demo serves');
      expect(readdirSync(folder)).toEqual([]);
    }
    const path = join(folder, 'mcpstead.yaml');
    writeFileSync(path, 'port: 0');
    await using program = startProgram(['--config', path], { env });
    await program.printed('serving http://');
    expect(readdirSync(join(folder, 'mcpstead')).toSorted()).toEqual(['gateways', 'state.key']);
  });
});
