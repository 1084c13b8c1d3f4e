import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { presentChromium } from '../support/chromium.ts';
import { connectV1 } from '../support/clients.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway, type TestConfig } from '../support/gateway.ts';
import type { ListedTool } from '../support/sdk-tools.ts';
import { freePort } from '../support/wait.ts';

setDefaultTimeout(60_000);

/** A Chromium; or why there is none. */
function findChromium(): { path: string | null; missing: string } {
  try {
    return { path: presentChromium(), missing: '' };
  } catch (error) {
    return { path: null, missing: (error as Error).message };
  }
}

const { path: executablePath, missing } = findChromium();
if (executablePath === null) console.error(`skipped: the status page in Chromium: ${missing}`);

const axe = readFileSync(Bun.resolveSync('axe-core/axe.min.js', import.meta.dir), 'utf8');
const token = 'the-bearer-token';
const env = { MCPSTEAD_BEARER_TOKEN: token };
const bearerMode = { auth: { mode: 'bearer' } };
const script = '<script>globalThis.isHacked = true</script><img src=x onerror="globalThis.isHacked = true">';
const tools: ListedTool[] = [
  { name: 'first', description: 'Does one thing', inputSchema: { type: 'object' } },
  { name: `long_${'name_'.repeat(12)}`, description: 'word'.repeat(40), inputSchema: { type: 'object' } },
  { name: script, title: script, description: script, inputSchema: { type: 'object' } },
];

describe.skipIf(executablePath === null)('the status page in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  /** Opens the page. When it is disposed, it must have had no error and no violation of its policy but `expected`. */
  async function open(url: string, options: BrowserContextOptions = {}, expected = /^$/) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) errors.push(message.text());
    });
    await page.goto(url);
    return {
      page,
      context,
      async [Symbol.asyncDispose]() {
        const isHacked = await page.evaluate('globalThis.isHacked').catch(() => undefined);
        await context.close();
        expect(errors.filter((text) => !expected.test(text))).toEqual([]);
        expect(isHacked).toBe(undefined);
      },
    };
  }

  /** A gateway with a server that is up and one that is down. */
  async function startWithServers(settings: Partial<TestConfig> = {}, variables = {}) {
    const upstream = await fakeUpstream({ tools });
    const config = {
      servers: [
        { name: 'up', url: upstream.url, reconnect: promptReconnect },
        { name: 'down', url: 'http://127.0.0.1:9/mcp' },
        { name: 'off', url: 'http://127.0.0.1:9/mcp', enabled: false },
      ],
      profiles: [{ name: 'review', servers: ['up', 'down'] }],
      ...settings,
    };
    const gateway = await startGateway(config, variables);
    await gateway.connected('up');
    await gateway.waitFor('an error', ({ servers }) => servers[1]?.last_error !== null);
    return {
      upstream,
      gateway,
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]();
        await upstream[Symbol.asyncDispose]();
      },
    };
  }

  const stateOf = (page: Page, name: string) => page.locator(`[data-key="${name}"] .state`);
  const toolsOf = (page: Page, name: string) => page.locator(`details[data-tools="${name}"]`);
  const isLive = (page: Page) => page.locator('#freshness[data-live="true"]').waitFor();
  const textIs = (page: Page, selector: string, text: string) =>
    page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'attached' });

  /** What axe-core has to say. */
  async function findings(page: Page): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run(document)')) as {
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    };
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
    );
  }

  test('shows what happens as it happens, without being loaded again, and says which state changes', async () => {
    await using served = await startWithServers();
    const { gateway, upstream } = served;
    await using opened = await open(gateway.origin);
    const { page } = opened;
    await isLive(page);
    await page.evaluate('globalThis.isSame = true');
    expect(await stateOf(page, 'up').textContent()).toBe(' ready');
    const news = page.locator('[aria-live="polite"]');
    expect(await news.textContent()).toBe('');

    await using client = await connectV1(gateway.url);
    await client.call('up__first', {});
    await page.locator('.calls code', { hasText: 'up first' }).waitFor();
    await textIs(page, '[aria-labelledby="clients"] th', 'client-v1');
    // What is no change of a state is not read out.
    expect(await news.textContent()).toBe('');

    await upstream.stop();
    await client.call('up__first', {}).catch(() => {});
    await stateOf(page, 'up').filter({ hasText: 'backoff' }).waitFor();
    expect(await news.textContent()).toBe('up: backoff');
    await upstream.start();
    await stateOf(page, 'up').filter({ hasText: 'ready' }).waitFor();
    await textIs(page, '[aria-live="polite"]', 'up: ready');
    await textIs(page, '#servers', '1 of 2 ready');
    expect(await page.evaluate('globalThis.isSame')).toBe(true);
  });

  test('lists tools when a row is opened by the keyboard, and keeps row and focus over updates', async () => {
    await using served = await startWithServers();
    const { gateway } = served;
    await using opened = await open(gateway.origin);
    const { page } = opened;
    await isLive(page);
    expect(await page.locator('.tools').count()).toBe(0);
    const isFocused = () => toolsOf(page, 'up').locator('summary:focus').count();
    for (let tabs = 0; tabs < 20 && (await isFocused()) === 0; tabs++) await page.keyboard.press('Tab');
    const outline = 'getComputedStyle(document.activeElement).outlineStyle';
    expect(await page.evaluate(outline)).toBe('solid');
    await page.keyboard.press('Enter');
    await page.locator('.tools th[scope="row"]').first().waitFor();
    expect(await page.locator('.tools tbody code').allInnerTexts()).toEqual(
      tools.map(({ name }) => `up__${name}`),
    );

    await using client = await connectV1(gateway.url);
    await client.call('up__first', {});
    await page.locator('.calls code', { hasText: 'up first' }).waitFor();
    expect(await page.locator('.tools').count()).toBe(1);
    expect(await isFocused()).toBe(1);
    await page.keyboard.press('Space');
    expect(await toolsOf(page, 'up').getAttribute('open')).toBe(null);
  });

  test('says when the connection is lost, and goes on when the gateway is back', async () => {
    const config = { servers: [], port: freePort() };
    const first = await startGateway(config);
    await using opened = await open(first.origin, {}, /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED/);
    const { page } = opened;
    await isLive(page);
    await first.gateway.stop();
    await textIs(page, '#live', 'Connection lost; next try in');
    await textIs(page, '[aria-live="polite"]', 'The connection to the gateway is lost.');
    expect(await findings(page)).toEqual([]);
    await using _second = await startGateway(config);
    await isLive(page);
    await textIs(page, '[aria-live="polite"]', 'Connected again.');
  });

  test('copies the endpoint and entries for clients', async () => {
    await using gateway = await startGateway({ servers: [] });
    await using opened = await open(gateway.origin);
    const { context, page } = opened;
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const copied = () => page.evaluate('navigator.clipboard.readText()');
    await page.locator('.endpoint button').click();
    await textIs(page, '.endpoint button', 'Copied');
    expect(await copied()).toBe(gateway.url);
    await page.locator('[data-key="cursor"] summary').click();
    await page.locator('[data-key="cursor"] button').click();
    await textIs(page, '[data-key="cursor"] button', 'Copied');
    expect(JSON.parse((await copied()) as string)).toEqual({
      mcpServers: { mcpstead: { url: gateway.url } },
    });
  });

  test('can be read without a script, the tools of a server behind a link', async () => {
    await using served = await startWithServers();
    await using opened = await open(served.gateway.origin, { javaScriptEnabled: false });
    const { page } = opened;
    const text = (await page.evaluate('document.body.innerText')) as string;
    for (const part of [served.gateway.url, '1 of 2 ready', 'connection refused by', 'review', 'Reload'])
      expect(text).toContain(part);
    expect(await page.locator('button:visible').count()).toBe(0);
    await toolsOf(page, 'up').locator('summary').click();
    await page.getByRole('link', { name: 'Show the tools of up' }).click();
    expect(await page.locator('.tools').textContent()).toContain('up__first');
  });

  test('signs in by the form, stays live with a cookie that no script sees, and signs out', async () => {
    await using served = await startWithServers({ mcp: bearerMode }, env);
    await using opened = await open(served.gateway.origin, {}, /status of 401/);
    const { context, page } = opened;
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toBe("This is not the gateway's bearer token.");
    await page.keyboard.type(token);
    await page.keyboard.press('Enter');
    await isLive(page);
    expect(page.url()).toBe(`${served.gateway.origin}/`);
    expect(await page.evaluate('document.cookie')).toBe('');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', secure: false, path: '/' });
    expect(await findings(page)).toEqual([]);

    // A session that has ended leads to the form.
    await context.clearCookies();
    await toolsOf(page, 'up').locator('summary').click();
    await page.getByLabel('Bearer token').fill(token);
    await page.getByRole('button').click();
    await isLive(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Bearer token').waitFor();
    expect(await context.cookies()).toEqual([]);
  });

  describe.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['320 px wide', { colorScheme: 'light', viewport: { width: 320, height: 640 } }],
  ] as const)('%s', (name, options) => {
    /** What is wrong with the page as it is; and nothing of it may be beyond the window. */
    async function problems(page: Page): Promise<string[]> {
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect([name, width]).toEqual([name, page.viewportSize()?.width]);
      return findings(page);
    }

    test('with servers, clients and calls, all rows closed, then all open: axe-core finds nothing', async () => {
      await using served = await startWithServers();
      await using client = await connectV1(served.gateway.url);
      await client.call('up__first', {});
      await client.call(`up__${script}`, {});
      await using opened = await open(served.gateway.origin, options);
      const { page } = opened;
      await isLive(page);
      const scheme = name === 'dark' ? 'rgb(20, 24, 23)' : 'rgb(251, 251, 249)';
      expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).toBe(scheme);
      expect(await problems(page)).toEqual([]);
      for (const summary of await page.locator('summary').all()) await summary.click();
      await page.locator('.tools').waitFor();
      await page.waitForLoadState('networkidle').catch(() => {});
      expect(await page.locator('.tools code').allInnerTexts()).toContain(`up__${script}`);
      expect(await problems(page)).toEqual([]);
    });

    test('without anything to show, and the form of a gateway with a token: axe-core finds nothing', async () => {
      await using gateway = await startGateway({ servers: [] });
      await using empty = await open(gateway.origin, options);
      await isLive(empty.page);
      expect(await problems(empty.page)).toEqual([]);
      await using guarded = await startGateway({ servers: [], mcp: bearerMode }, env);
      await using form = await open(guarded.origin, options, /status of 401/);
      expect(await problems(form.page)).toEqual([]);
      await form.page.getByLabel('Bearer token').fill('wrong');
      await form.page.getByRole('button').click();
      await form.page.getByRole('alert').waitFor();
      expect(await problems(form.page)).toEqual([]);
    });
  });

  test.each([
    ['reduce', 'none'],
    ['no-preference', 'turn'],
  ] as const)(
    'where reduced motion is %s, the animation of a server that connects is %s',
    async (wish, animation) => {
      const never = Promise.withResolvers<Response>();
      await using silent = await fakeUpstream({ onPost: () => never.promise });
      await using gateway = await startGateway({ servers: [{ name: 'silent', url: silent.url }] });
      await using opened = await open(gateway.origin, { reducedMotion: wish });
      const { page } = opened;
      await stateOf(page, 'silent').filter({ hasText: 'connecting' }).waitFor();
      const style = 'getComputedStyle(document.querySelector(".state svg")).animationName';
      expect(await page.evaluate(style)).toBe(animation);
      never.resolve(new Response(null, { status: 500 }));
    },
  );
});
