import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { hasPython, installOldPackages, installPackages, oldPython, python } from './install.ts';

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
    installOldPackages();
    const [name = '', ...args] = command;
    child = await startChild([process.execPath, join(conformance, name), ...args], { ready: '/mcp' });
    const url = /http:\S+/.exec(child.output())?.[0];
    gateway = await startGateway({ servers: [{ name: 'up', url }] });
    await gateway.connected();
  }, 600_000);

  afterAll(async () => {
    await gateway?.gateway.stop();
    await child?.end();
  });

  /** Runs a client to its end; what it saw. */
  async function see(program: string, ...args: string[]): Promise<unknown> {
    const child = Bun.spawn([program, script, ...args], { stdout: 'pipe', stderr: 'pipe', timeout: 60_000 });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    if ((await child.exited) !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  test.each([
    ['sdk', 'legacy'],
    ['sdk', 'auto'],
    ['sdk', '2026-07-28'],
    ['fastmcp', 'legacy'],
    ['fastmcp', 'auto'],
    ['fastmcp', '2026-07-28'],
  ])('a client of %s in mode %s sees everything', async (kind, mode) => {
    expect(await see(python, kind, gateway.url, mode)).toEqual(everything);
  });

  // These versions never tell a server that a call is cancelled.
  test.each(['sdk', 'fastmcp'])('a client of an old %s sees everything', async (kind) => {
    expect(await see(oldPython, kind, gateway.url)).toEqual({ ...everything, cancelled: false });
  });
});
