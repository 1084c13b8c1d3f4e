import { describe, expect, test } from 'bun:test';
import { type LoadedConfig, parseConfig } from '../../src/config/load.ts';
import { GatewayError } from '../../src/errors.ts';
import { Gateway } from '../../src/gateway.ts';
import type { Logger } from '../../src/observability/log.ts';
import { Redactor } from '../../src/observability/redact.ts';

const load = (host = '127.0.0.1', token?: string): LoadedConfig => {
  const auth = { mode: token === undefined ? 'none' : 'bearer' };
  const config = { host, port: 0, mcp: { auth, session: { shutdown_grace_seconds: 0 } }, servers: [] };
  return parseConfig(JSON.stringify(config), 'test.yaml', { MCPSTEAD_BEARER_TOKEN: token });
};

async function start(readConfig: () => Promise<LoadedConfig>, loaded = load()) {
  const errors: unknown[] = [];
  const ignore = () => {};
  const logger = {
    info: ignore,
    warn: ignore,
    debug: ignore,
    error: (...line: unknown[]) => errors.push(line),
  };
  const redactor = new Redactor();
  const gateway = await Gateway.start({
    loaded,
    readConfig,
    logger: logger as unknown as Logger,
    redactor,
    metricsMaxAgeMs: 0,
  });
  const metrics = async () => (await fetch(`${gateway.url}/metrics`)).text();
  return { gateway, redactor, errors, metrics, [Symbol.asyncDispose]: () => gateway.stop() };
}

describe('a reload', () => {
  test('starts when the one before has ended', async () => {
    const reads: PromiseWithResolvers<LoadedConfig>[] = [];
    await using started = await start(() => {
      const read = Promise.withResolvers<LoadedConfig>();
      reads.push(read);
      return read.promise;
    });
    const first = started.gateway.reload();
    const second = started.gateway.reload();
    await Bun.sleep(0);
    expect(reads.length).toBe(1);
    reads[0]?.reject(new GatewayError('config_invalid', 'bad'));
    await expect(first).rejects.toMatchObject({ kind: 'config_invalid', message: 'bad' });
    await Bun.sleep(0);
    expect(reads.length).toBe(2);
    reads[1]?.resolve(load());
    expect(await second).toMatchObject({ unchanged: 0, ignored: [] });
  });

  test('that cannot read the configuration says so, whatever went wrong', async () => {
    await using started = await start(() => Promise.reject(new Error('no such disk')));
    const failure = { kind: 'config_invalid', message: 'Error: no such disk' };
    await expect(started.gateway.reload()).rejects.toMatchObject(failure);
    expect(started.errors).toEqual([
      ['configuration not reloaded; nothing was changed', { cause: failure.message }],
    ]);
    expect(await started.metrics()).toContain('mcpstead_config_reloads_total{result="error"} 1');
  });

  test('hides new secrets, and earlier ones still', async () => {
    const next = load(undefined, 'the-second-token');
    await using started = await start(async () => next, load(undefined, 'the-first-token'));
    await started.gateway.reload();
    expect(started.redactor.redact('the-first-token the-second-token')).toBe('[redacted] [redacted]');
  });

  test('is refused after the gateway has stopped', async () => {
    const { gateway } = await start(async () => load());
    await gateway.stop();
    await expect(gateway.reload()).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

test('an IPv6 address stands in brackets in the URL', async () => {
  await using started = await start(async () => load(), load('::1'));
  expect(started.gateway.url).toBe(`http://[::1]:${started.gateway.port}`);
});

test('an aborted start rejects', async () => {
  const upstream = { name: 'up', url: 'http://127.0.0.1:1', required: true };
  const text = JSON.stringify({ port: 0, servers: [upstream] });
  const logger = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [level, () => {}]),
  ) as unknown as Logger;
  const starting = Gateway.start({
    loaded: parseConfig(text, 'test.yaml', {}),
    readConfig: async () => load(),
    logger,
    redactor: new Redactor(),
    signal: AbortSignal.abort(),
  });
  await expect(starting).rejects.toMatchObject({ kind: 'unavailable', message: 'the start was aborted' });
});
