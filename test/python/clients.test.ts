import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { hasPython, installPackages, python } from './install.ts';

setDefaultTimeout(120_000);

const script = join(import.meta.dir, 'client.py');
const conformance = join(import.meta.dir, '../conformance');

/** What a client sees of the fixture, whatever the eras. */
const everything = {
  tool: ['up__test_simple_text'],
  text: 'This is a simple text response for testing.',
  progress: [0, 50, 100],
  resource: 'This is the content of the static text resource.',
  template: '123',
  prompt: "Prompt with arguments: arg1='a', arg2='b'",
  elicited: 'Hello, Alice!',
  sampled: 'Sampling response: Paris',
  rooted: 'The client has 1 roots: file:///project',
  questions: ['What is your name?', 'sampling', 'roots'],
  cancelled: true,
};

const servers: Record<string, readonly string[]> = {
  legacy: ['serve-v1.ts', 'http'],
  modern: ['serve-v2.ts', 'http', 'modern'],
};

describe.skipIf(!hasPython).each(Object.entries(servers))('of a %s server', (_era, command) => {
  let gateway: TestGateway;
  let child: Child;

  beforeAll(async () => {
    installPackages();
    const [name = '', ...args] = command;
    child = await startChild([process.execPath, join(conformance, name), ...args], { ready: '/mcp' });
    const url = /http:\S+/.exec(child.output())?.[0];
    gateway = await startGateway({ servers: [{ name: 'up', url }] });
    await gateway.connected();
  }, 300_000);

  afterAll(async () => {
    await gateway?.gateway.stop();
    await child?.end();
  });

  test.each([
    ['the official Python SDK', 'sdk', 'legacy'],
    ['the official Python SDK', 'sdk', 'auto'],
    ['the official Python SDK', 'sdk', '2026-07-28'],
    ['FastMCP', 'fastmcp', 'legacy'],
    ['FastMCP', 'fastmcp', 'auto'],
    ['FastMCP', 'fastmcp', '2026-07-28'],
  ])('a client of %s (%s, mode %s) sees everything', async (_name, kind, mode) => {
    const client = Bun.spawn([python, script, kind, gateway.url, mode], {
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: 60_000,
    });
    const [stdout, stderr] = await Promise.all([client.stdout.text(), client.stderr.text()]);
    if ((await client.exited) !== 0) throw new Error(stderr);
    expect(JSON.parse(stdout)).toEqual(everything);
  });
});
