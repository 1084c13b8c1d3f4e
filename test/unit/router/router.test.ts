import { describe, expect, test } from 'bun:test';
import { CallFailure, GatewayError } from '../../../src/errors.ts';
import { ObjectText } from '../../../src/json/object.ts';
import type { Logger } from '../../../src/observability/log.ts';
import { Redactor } from '../../../src/observability/redact.ts';
import { sessionlessCaller } from '../../../src/protocol/caller.ts';
import type { Answer, Exchange } from '../../../src/protocol/exchange.ts';
import { parseMessage, type ResponseMessage } from '../../../src/protocol/messages.ts';
import { Registry } from '../../../src/registry/registry.ts';
import { Router } from '../../../src/router/router.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { volatileState } from '../../../src/state/state.ts';
import { UpstreamFailure } from '../../../src/upstream/failure.ts';
import { itemOf, ListedUpstream } from '../../support/listed-upstream.ts';

/** A router in front of the upstreams `up`, which has the tool `t`, and `idle`, which has nothing. */
function start() {
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  const logger = { debug: log, info: log, warn: log, error: log } as unknown as Logger;
  const up = new ListedUpstream('up', [itemOf('t')]);
  const registry = new Registry(logger, () => {});
  registry.configure([up.upstream, new ListedUpstream('idle').upstream], []);
  const redactor = new Redactor();
  const router = new Router({ registry, redactor, logger, seal: volatileState().seal, tracing: null });
  return { router, registry, up, redactor, logged };
}

function exchangeOf(method: string, params?: string) {
  const ends: (Answer | unknown)[] = [];
  const text = params === undefined ? undefined : new ObjectText(params);
  const exchange: Exchange = {
    method,
    methodText: JSON.stringify(method),
    idText: '1',
    httpTraceparent: null,
    startMs: performance.now(),
    params: text,
    meta: text?.object('_meta'),
    caller: sessionlessCaller('none', ''),
    signal: new Abort(),
    notify: () => undefined,
    ask() {},
    answer: (answer) => void ends.push(answer),
    fail: (error) => void ends.push(error),
  };
  return { exchange, ends };
}

/** What the router throws instead of answering. */
function refusal(method: string, params?: string): unknown {
  const { router } = start();
  try {
    router.handle(exchangeOf(method, params).exchange);
  } catch (error) {
    if (error instanceof GatewayError) return [error.kind, error.message];
    throw error;
  }
  return null;
}

const callOf = (params: string) => exchangeOf('tools/call', params);
const responseOf = (end: string) => parseMessage(`{"jsonrpc":"2.0","id":1,${end}}`) as ResponseMessage;

describe('the methods:', () => {
  test('ping is answered by the gateway', () => {
    const { exchange, ends } = exchangeOf('ping');
    start().router.handle(exchange);
    expect(ends).toEqual([{ kind: 'result', payload: '{}' }]);
  });

  test.each([undefined, '{}', '{"cursor":""}'])(
    'tools/list with params %p is answered from the catalog',
    (params) => {
      const { router, registry } = start();
      const { exchange, ends } = exchangeOf('tools/list', params);
      router.handle(exchange);
      expect(ends).toEqual([{ kind: 'result', payload: registry.view('')?.catalog('tools').list('legacy') }]);
    },
  );

  test('tools/call goes to the upstream that owns the tool, under its own name', () => {
    const { router, up } = start();
    const { exchange, ends } = callOf('{"name":"up__t","arguments":{}}');
    router.handle(exchange);
    expect(up.calls).toMatchObject([{ target: { name: 'name', value: '"t"' }, isRepeatable: false }]);
    up.calls[0]?.done.resolve(responseOf('"result":{"n":1.0}'));
    expect(ends).toMatchObject([{ kind: 'result', payload: '{"n":1.0}' }]);
    expect(up.metrics.tool('t').durations.count).toBe(1);
  });

  test.each([['nothing'], ['tools'], ['__proto__'], ['initialize']])('%s is not known', (method) => {
    expect(refusal(method)).toEqual(['method_not_found', `Method not found: "${method}"`]);
  });

  test('a long unknown method is quoted in part', () => {
    expect(refusal('m'.repeat(300))).toEqual(['method_not_found', `Method not found: "${'m'.repeat(200)}…"`]);
  });
});

test.each([
  ['tools/list', '{"cursor":"x"}', 'tools/list: unknown cursor; list again without one'],
  ['tools/list', '{"cursor":1}', 'tools/list: unknown cursor; list again without one'],
  ['tools/call', undefined, 'tools/call: "name" must be a string'],
  ['tools/call', '{"name":1}', 'tools/call: "name" must be a string'],
  ['tools/call', '{"name":"up__t","arguments":[]}', 'tools/call: "arguments" must be an object'],
  [
    'tools/call',
    `{"name":"up__t","_meta":{"progressToken":"${'x'.repeat(1_023)}"}}`,
    'tools/call: "progressToken" must have at most 1024 characters: it goes back with each notification',
  ],
  ['tools/call', '{"name":"up__other"}', 'Unknown tool: "up__other"'],
  ['tools/call', '{"name":"down__t"}', 'Unknown tool: "down__t"'],
  ['tools/call', '{"name":"t"}', 'Unknown tool: "t"'],
])('invalid params of %s are refused: %p', (method, params, message) => {
  expect(refusal(method, params)).toEqual(['invalid_params', message]);
});

describe('a call of a tool that an upstream without a session may have', () => {
  const started = () => {
    const gateway = start();
    gateway.up.isConnected = false;
    const call = callOf('{"name":"up__new"}');
    gateway.router.handle(call.exchange);
    return { ...gateway, ...call };
  };

  test('is sent when the upstream is ready and lists it', async () => {
    const { up, registry } = started();
    up.listed = [itemOf('new')];
    registry.update(up.upstream);
    up.session.resolve();
    await Bun.sleep(0);
    expect(up.calls).toMatchObject([{ target: { value: '"new"' } }]);
  });

  test('is refused when the upstream is ready and does not list it', async () => {
    const { up, ends } = started();
    up.session.resolve();
    await Bun.sleep(0);
    expect(ends).toMatchObject([{ kind: 'invalid_params', message: 'Unknown tool: "up__new"' }]);
  });

  test('fails with the reason why the upstream is down, and counts as a call of an unknown tool', async () => {
    const { up, ends } = started();
    up.session.reject(new UpstreamFailure('refused', 'not connected'));
    await Bun.sleep(0);
    expect(ends).toMatchObject([
      { message: 'upstream "up": not connected', data: { server: 'up', reason: 'upstream_disconnected' } },
    ]);
    expect([...up.metrics.counts.tools.keys()]).toEqual(['unknown']);
  });
});

describe('a resource that nobody claims', () => {
  const readOf = (uri: string) => exchangeOf('resources/read', JSON.stringify({ uri }));

  test('is not found, at once if all upstreams are known', async () => {
    const { router, up } = start();
    const { exchange, ends } = readOf('x:1');
    router.handle(exchange);
    await Bun.sleep(0);
    expect(ends).toMatchObject([{ kind: 'resource_not_found', data: { uri: 'x:1' } }]);
    expect(up.calls).toEqual([]);
  });

  test('may be of an upstream that is being connected for the first time, which is waited for', async () => {
    const { router, registry, up } = start();
    up.isConnected = false;
    up.isStarting = true;
    up.listed = [];
    const { exchange } = readOf('x:1');
    router.handle(exchange);
    await Bun.sleep(0);
    expect(up.calls).toEqual([]);
    up.others.resources = [itemOf('x:1', undefined, 'uri')];
    registry.update(up.upstream);
    up.session.resolve();
    await Bun.sleep(0);
    expect(up.calls).toMatchObject([{ target: null, isRepeatable: true }]);
  });

  test('is not found if that upstream does not claim it either, or stays down', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const { router, up } = start();
      up.isConnected = false;
      up.isStarting = true;
      up.listed = [];
      const { exchange, ends } = readOf('x:1');
      router.handle(exchange);
      up.session[end](new UpstreamFailure('refused', 'not connected') as never);
      await Bun.sleep(0);
      expect(ends).toMatchObject([{ kind: 'resource_not_found' }]);
    }
  });

  test('is not found at once while an upstream is down that has never been connected', async () => {
    const { router, up } = start();
    up.isConnected = false;
    up.listed = [];
    const { exchange, ends } = readOf('x:1');
    router.handle(exchange);
    await Bun.sleep(0);
    expect(ends).toMatchObject([{ kind: 'resource_not_found' }]);
  });
});

test('a notification goes to all upstreams if roots have changed, else to its clear owner', () => {
  const { router, up } = start();
  const { caller } = exchangeOf('ping').exchange;
  router.notified(caller, 'notifications/roots/list_changed', undefined);
  router.notified(caller, 'notifications/example', new ObjectText('{"name":"up__t"}'));
  router.notified(caller, 'notifications/example', new ObjectText('{}'));
  expect(up.notices).toEqual([
    ['notifications/roots/list_changed', undefined],
    ['notifications/example', '{"name":"t"}'],
  ]);
});

test('a call that ends after its upstream has dropped the tool leaves no series behind', () => {
  const { router, registry, up } = start();
  router.handle(callOf('{"name":"up__t"}').exchange);
  up.listed = [];
  up.metrics.retainTools(new Set());
  registry.update(up.upstream);
  up.calls[0]?.done.resolve(responseOf('"result":{}'));
  expect([...up.metrics.counts.tools.keys()]).toEqual([]);
});

test('the owner of a request is the server in its name, whether the tool is listed or not', () => {
  const { router } = start();
  const ownerOf = (method: string, params?: string) => router.serverOf(exchangeOf(method, params).exchange);
  expect(ownerOf('tools/call', '{"name":"up__t"}')).toBe('up');
  expect(ownerOf('tools/call', '{"name":"down__t"}')).toBe('unknown');
  expect(ownerOf('tools/call', '{"name":"t"}')).toBe('unknown');
  expect(ownerOf('tools/call')).toBe('unknown');
  expect(ownerOf('ping')).toBe('unknown');
});

test('a call whose response cannot be redacted fails once, without the words of the fault', () => {
  const { router, up, redactor, logged } = start();
  redactor.redactJson = () => {
    throw new Error('out of order');
  };
  const { exchange, ends } = callOf('{"name":"up__t"}');
  router.handle(exchange);
  up.calls[0]?.done.resolve(responseOf('"error":{"code":1,"message":"a"}'));
  expect(ends.length).toBe(1);
  expect(ends[0]).toBeInstanceOf(CallFailure);
  expect(ends[0]).toMatchObject({
    message: 'the gateway failed; its log says more',
    data: { server: 'up', reason: 'internal' },
  });
  expect(logged).toEqual(['a call failed inside the gateway']);
});
