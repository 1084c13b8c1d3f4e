import { expect, test } from 'bun:test';
import { CallFailure } from '../../../src/errors.ts';
import type { MemberEdit } from '../../../src/json/object.ts';
import { ObjectText } from '../../../src/json/object.ts';
import type { Logger } from '../../../src/observability/log.ts';
import { Redactor } from '../../../src/observability/redact.ts';
import { ToolMetrics } from '../../../src/observability/upstream-metrics.ts';
import { sessionlessCallers } from '../../../src/protocol/caller.ts';
import type { Answer, Exchange } from '../../../src/protocol/exchange.ts';
import { parseMessage, type ResponseMessage } from '../../../src/protocol/messages.ts';
import { Registry } from '../../../src/registry/catalog.ts';
import { Router } from '../../../src/router/router.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import type { Completion } from '../../../src/runtime/completion.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';

test('a call whose answer the gateway itself fails to pass on is told so, once, and in no words of the fault', () => {
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  const metrics = new ToolMetrics();
  let done: Completion<ResponseMessage> | undefined;
  const upstream = {
    name: 'up',
    metrics: { tool: () => metrics },
    isClosed: false,
    call(_call: unknown, _target: MemberEdit, _repeatable: boolean, given: Completion<ResponseMessage>) {
      done = given;
    },
  } as unknown as Upstream;
  const redactor = new Redactor();
  redactor.redactJson = () => {
    throw new Error('out of order');
  };
  const registry = new Registry(() => {});
  registry.setServers(['up']);
  registry.setTools('up', [
    { name: 't', nameText: '"t"', before: '{"name":', after: '}', isRepeatable: false },
  ]);
  const router = new Router({
    registry,
    upstream: () => upstream,
    redactor,
    logger: { debug: log, info: log, warn: log, error: log } as unknown as Logger,
  });
  const told: (Answer | unknown)[] = [];
  const exchange: Exchange = {
    method: 'tools/call',
    methodText: '"tools/call"',
    startMs: performance.now(),
    caller: sessionlessCallers.none,
    params: new ObjectText('{"name":"up__t"}'),
    meta: undefined,
    signal: new Abort(),
    notify: () => undefined,
    answer: (answer) => void told.push(answer),
    fail: (error) => void told.push(error),
  };
  router.handle(exchange);
  const text = '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"a"}}';
  done?.resolve(parseMessage(text) as ResponseMessage);

  expect(told.length).toBe(1);
  expect(told[0]).toBeInstanceOf(CallFailure);
  expect(told[0]).toMatchObject({
    message: 'the gateway failed; its log says more',
    data: { server: 'up', reason: 'internal' },
  });
  expect(logged).toEqual(['a call failed inside the gateway']);
});
