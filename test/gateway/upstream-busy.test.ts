import { expect, setDefaultTimeout, test } from 'bun:test';
import { parseConfig } from '../../src/config/load.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import type { Logger } from '../../src/observability/log.ts';
import { UpstreamMetrics } from '../../src/observability/upstream-metrics.ts';
import { Abort } from '../../src/runtime/abort.ts';
import type { UpstreamFailure } from '../../src/upstream/failure.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();
setDefaultTimeout(120_000);

test('an upstream with the maximum of requests in flight stays connected when its tools cannot be refreshed', async () => {
  let posted = 0;
  await using upstream = await fakeSse({
    onRequest({ method }) {
      if (method !== 'tools/call') return undefined;
      posted++;
      return null;
    },
  });
  const text = JSON.stringify({ servers: [{ name: 'up', url: upstream.url, protocol: 'sse' }] });
  const server = parseConfig(text, 'test', {}).config.servers[0] as ServerConfig;
  let metrics: UpstreamMetrics | undefined;
  const silent = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger;
  const keptUpstream = new Upstream(
    { server, token: null },
    silent,
    (state) => {
      metrics = new UpstreamMetrics(state, () => {});
      return metrics;
    },
    { instance: 'this', quote: (words) => words, onItems() {} },
  );
  keptUpstream.start();
  await keptUpstream.firstReady();
  const failures: string[] = [];
  const call = () =>
    keptUpstream.call(
      {
        methodText: '"tools/call"',
        params: undefined,
        meta: undefined,
        signal: new Abort(),
        notify: () => undefined,
      },
      { name: 'name', value: '"echo"' },
      false,
      {
        resolve() {},
        reject: (reason) => void failures.push((reason as UpstreamFailure).kind),
      },
    );
  for (let sent = 0; sent < 65_536; sent++) {
    call();
    // Not all POSTs at once.
    if (sent % 2_000 === 1_999) await waitUntil('the POSTs', () => posted > sent - 2_000);
  }
  // A POST may fail on a connection that the server is just closing.
  for (let more = 0; more < 100 && !failures.includes('busy'); more++) call();
  expect(failures).toContain('busy');
  const checks = { ...metrics?.counts.healthChecks };
  const refreshes = () => metrics?.counts.toolsRefresh.error;
  expect(refreshes()).toBe(0);
  upstream.streams[0]?.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  await waitUntil('the refresh', () => refreshes() === 1);
  await Bun.sleep(20);
  expect(keptUpstream.status()).toMatchObject({ state: 'ready', reconnects: 0 });
  expect({ ...metrics?.counts.healthChecks }).toEqual(checks as { success: number; failure: number });
  upstream.streams[0]?.end();
  await keptUpstream.close();
});
