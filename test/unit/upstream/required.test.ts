import { describe, expect, test } from 'bun:test';
import { parseConfig } from '../../../src/config/load.ts';
import { requiredReady } from '../../../src/upstream/required.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';

/** An upstream with these settings, which is ready or down when the test says so. */
function upstreamOf(settings: Record<string, unknown>, lastError: string | null = null) {
  const server = { name: 'up', url: 'http://a.example/mcp', required: true, ...settings };
  const { config } = parseConfig(JSON.stringify({ port: 8766, servers: [server] }), 'test.yaml', {});
  const first = Promise.withResolvers<void>();
  const upstream = {
    name: 'up',
    config: { ...config.servers[0], timeouts: { connect_seconds: 0.01 } },
    firstReady: () => first.promise,
    status: () => ({ lastError }),
  } as unknown as Upstream;
  return { ready: requiredReady(upstream, config), first };
}

const down = (cause: string) => ({
  kind: 'required_upstream_down',
  message: `required upstream "up" is not reachable: ${cause}`,
});

test('an upstream that is not required is not waited for', async () => {
  await upstreamOf({ required: false }).ready;
});

describe('a required upstream', () => {
  test('is waited for until it is ready', async () => {
    const { ready, first } = upstreamOf({ reconnect: { max_attempts: 3 } });
    first.resolve();
    await ready;
  });

  test('is down for the reason for which its attempts failed', async () => {
    const { ready, first } = upstreamOf({ reconnect: { max_attempts: 3 } });
    first.reject(new Error('connection refused'));
    await expect(ready).rejects.toMatchObject(down('connection refused'));
  });

  test.each([
    [null, 'did not initialize within 0.01 s'],
    ['connection refused', 'connection refused'],
  ])(
    'without a limit of attempts, and with the last error %p, is down after connect_seconds',
    async (lastError, cause) => {
      const settings = { reconnect: { max_attempts: 0 } };
      await expect(upstreamOf(settings, lastError).ready).rejects.toMatchObject(down(cause));
    },
  );

  test('at the address of the gateway is down at once', async () => {
    const { ready } = upstreamOf({ url: 'http://localhost:8766/mcp' });
    const cause = 'is this very gateway: remove it from servers, or give the url of another server';
    await expect(ready).rejects.toMatchObject(down(cause));
  });
});
