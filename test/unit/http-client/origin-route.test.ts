import { describe, expect, test } from 'bun:test';
import { routeTo } from '../../../src/http-client/origin-route.ts';

type Environment = Record<string, string | undefined>;

/** Where the connection for a URL goes, as `host:port`. */
function next(url: string, env: Environment): string {
  const { hostname, port } = routeTo(new URL(url), false, env).target;
  return `${hostname}:${port}`;
}

const proxy = 'http://proxy.test:3128';

describe('without a proxy the route is direct', () => {
  test.each([
    ['http://up.test/mcp', { hostname: 'up.test', port: 80, tls: null }],
    ['http://up.test:8080/mcp', { hostname: 'up.test', port: 8080, tls: null }],
    ['https://up.test/mcp', { hostname: 'up.test', port: 443, tls: { verify: true } }],
    ['https://[2001:DB8::1]:8443/mcp', { hostname: '2001:db8::1', port: 8443, tls: { verify: true } }],
  ])('to %s', (url, target) => {
    expect(routeTo(new URL(url), false, {})).toEqual({
      target: { ...target, tunnel: null, proxyVariable: null },
      forwarding: null,
      problem: null,
    });
  });

  test('without verification if that is configured', () => {
    expect(routeTo(new URL('https://up.test'), true, {}).target.tls).toEqual({ verify: false });
  });
});

describe('through a proxy', () => {
  test('a plain request is forwarded', () => {
    expect(routeTo(new URL('http://up.test/mcp'), false, { HTTP_PROXY: proxy })).toEqual({
      target: { hostname: 'proxy.test', port: 3128, tls: null, tunnel: null, proxyVariable: 'HTTP_PROXY' },
      forwarding: '',
      problem: null,
    });
  });

  test('a TLS request goes through a tunnel, and the far end is verified', () => {
    expect(routeTo(new URL('https://up.test/mcp'), false, { HTTPS_PROXY: proxy })).toEqual({
      target: {
        hostname: 'proxy.test',
        port: 3128,
        tls: null,
        tunnel: { hostname: 'up.test', port: 443, verify: true, authorization: null },
        proxyVariable: 'HTTPS_PROXY',
      },
      forwarding: null,
      problem: null,
    });
  });

  test('with TLS, the proxy is always verified, the far end as configured', () => {
    const env = { ALL_PROXY: 'https://proxy.test' };
    expect(routeTo(new URL('https://[2001:db8::1]:8443/'), true, env)).toEqual({
      target: {
        hostname: 'proxy.test',
        port: 443,
        tls: { verify: true },
        tunnel: { hostname: '2001:db8::1', port: 8443, verify: false, authorization: null },
        proxyVariable: 'ALL_PROXY',
      },
      forwarding: null,
      problem: null,
    });
    expect(routeTo(new URL('http://up.test/'), true, env)).toEqual({
      target: {
        hostname: 'proxy.test',
        port: 443,
        tls: { verify: true },
        tunnel: null,
        proxyVariable: 'ALL_PROXY',
      },
      forwarding: '',
      problem: null,
    });
  });
});

describe('the proxy is', () => {
  test.each<[string, string, Environment, string]>([
    ['that for http', 'http://up.test', { HTTP_PROXY: 'http://a:1', HTTPS_PROXY: 'http://b:2' }, 'a:1'],
    ['that for https', 'https://up.test', { HTTP_PROXY: 'http://a:1', HTTPS_PROXY: 'http://b:2' }, 'b:2'],
    ['none for http where only https has one', 'http://up.test', { HTTPS_PROXY: 'http://b:2' }, 'up.test:80'],
    [
      'none for https where only http has one',
      'https://up.test',
      { HTTP_PROXY: 'http://a:1' },
      'up.test:443',
    ],
    ['that for all, for http', 'http://up.test', { ALL_PROXY: 'http://c:3' }, 'c:3'],
    ['that for all, for https', 'https://up.test', { all_proxy: 'http://c:3' }, 'c:3'],
    ['the particular one', 'http://up.test', { HTTP_PROXY: 'http://a:1', all_proxy: 'http://c:3' }, 'a:1'],
    [
      'that in lower case (http)',
      'http://up.test',
      { HTTP_PROXY: 'http://a:1', http_proxy: 'http://d:4' },
      'd:4',
    ],
    [
      'that in lower case (https)',
      'https://up.test',
      { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://d:4' },
      'd:4',
    ],
    [
      'that in lower case (all)',
      'http://up.test',
      { ALL_PROXY: 'http://a:1', all_proxy: 'http://d:4' },
      'd:4',
    ],
    ['not one of nothing', 'http://up.test', { http_proxy: '', HTTP_PROXY: 'http://a:1' }, 'a:1'],
    [
      'none where all are of nothing',
      'http://up.test',
      { http_proxy: '', HTTP_PROXY: '', ALL_PROXY: '' },
      'up.test:80',
    ],
    ['one without a scheme', 'http://up.test', { HTTP_PROXY: 'proxy.test:3128' }, 'proxy.test:3128'],
    ['one without a port', 'http://up.test', { HTTP_PROXY: 'proxy.test' }, 'proxy.test:80'],
    ['one by its address', 'http://up.test', { HTTP_PROXY: 'http://[::1]:3128/ignored' }, '::1:3128'],
  ])('%s', (_name, url, env, expected) => {
    expect(next(url, env)).toBe(expected);
  });
});

describe('an unsupported proxy is a problem, reported without credentials:', () => {
  test.each([
    ['socks5://me:secret@proxy.test:1080', 'names a proxy that is not supported, socks5://proxy.test:1080'],
    ['socks5h://proxy.test', 'names a proxy that is not supported, socks5h://proxy.test'],
    ['file:///proxy', 'names a proxy that is not supported, file:///proxy'],
    ['http://', 'is no URL'],
    ['://', 'is no URL'],
    ['http://[', 'is no URL'],
    ['a b', 'is no URL'],
    ['http://me:secret@proxy.test:99999', 'is no URL'],
    ['"http://proxy.test:3128"', 'is no URL'],
  ])('%s', (value, found) => {
    for (const [url, variable] of [
      ['http://up.test', 'HTTP_PROXY'],
      ['https://up.test', 'https_proxy'],
      ['https://up.test', 'ALL_PROXY'],
    ] as const) {
      const { problem } = routeTo(new URL(url), false, { [variable]: value });
      expect(problem).toBe(
        `${variable} ${found}; expected http://HOST:PORT, or NO_PROXY=up.test to go past it`,
      );
    }
  });

  test('but not for hosts that bypass it', () => {
    const env = { ALL_PROXY: 'socks5://proxy.test:1080', NO_PROXY: 'up.test' };
    expect(routeTo(new URL('https://up.test'), false, env).problem).toBeNull();
    expect(routeTo(new URL('http://localhost:3000'), false, env).problem).toBeNull();
  });
});

describe('a proxy gets as credentials', () => {
  const asked = (userInfo: string) => {
    const env = { ALL_PROXY: `http://${userInfo}proxy.test:3128` };
    const { forwarding } = routeTo(new URL('http://up.test'), false, env);
    const { tunnel } = routeTo(new URL('https://up.test'), false, env).target;
    return [forwarding, tunnel?.authorization];
  };

  test.each([
    ['a user and a password', 'me:secret@', 'Basic bWU6c2VjcmV0'],
    ['a user', 'me@', 'Basic bWU6'],
    ['a password', ':secret@', 'Basic OnNlY3JldA=='],
    ['what was escaped', 'me:p%40ss%2Fw@', 'Basic bWU6cEBzcy93'],
    ['what is no ASCII', 'me:\u00fc@', 'Basic bWU6w7w='],
    ['what looks escaped and is not', 'me:100%@', 'Basic bWU6MTAwJQ=='],
    ['what is escaped and no text', 'me:%ff@', 'Basic bWU6JWZm'],
  ])('%s', (_name, userInfo, authorization) => {
    expect(asked(userInfo)).toEqual([authorization, authorization]);
  });

  test('nothing if none are configured', () => {
    expect(asked('')).toEqual(['', null]);
  });
});

describe('this machine is reached without a proxy', () => {
  test.each([
    'http://localhost:3000',
    'http://LOCALHOST:3000',
    'http://localhost.:3000',
    'http://127.0.0.1:3000',
    'http://127.1.2.3:3000',
    'http://2130706433:3000',
    'http://[::1]:3000',
    'http://[::ffff:127.0.0.1]:3000',
    'https://localhost:3000',
  ])('at %s', (url) => {
    expect(next(url, { ALL_PROXY: proxy })).toEndWith(':3000');
  });

  test('but not hosts with similar names', () => {
    for (const host of ['localhost.test', 'notlocalhost', '128.0.0.1', '127.test', '10.127.0.1']) {
      expect(next(`http://${host}`, { ALL_PROXY: proxy })).toBe('proxy.test:3128');
    }
  });
});

describe('NO_PROXY', () => {
  const direct = (url: string, list: string) =>
    next(url, { ALL_PROXY: proxy, NO_PROXY: list }) !== 'proxy.test:3128';

  test.each([
    ['everything', '*', 'http://up.test'],
    ['everything, among others', 'x.test, *', 'http://up.test'],
    ['a name', 'up.test', 'http://up.test'],
    ['a name in another case', 'UP.Test', 'http://up.TEST'],
    ['the names below one', 'test', 'http://up.test'],
    ['the names below one, by a dot', '.test', 'http://a.up.test'],
    ['the names below one, by a star', '*.test', 'http://up.test'],
    ['a name itself, by a dot', '.up.test', 'http://up.test'],
    ['a name with a closing dot', 'up.test.', 'http://up.test'],
    ['a name of which the URL has a closing dot', 'up.test', 'http://up.test.'],
    ['a name with its port', 'up.test:8080', 'http://up.test:8080'],
    ['a name with the port that the scheme has', 'up.test:443', 'https://up.test'],
    ['an address', '10.0.0.1', 'http://10.0.0.1'],
    ['an address with its port', '10.0.0.1:8080', 'http://10.0.0.1:8080'],
    ['an IPv6 address', '2001:db8::1', 'http://[2001:db8::1]'],
    ['an IPv6 address in brackets', '[2001:db8::1]', 'http://[2001:db8::1]:8080'],
    ['an IPv6 address in brackets with its port', '[2001:db8::1]:8080', 'http://[2001:db8::1]:8080'],
    ['an IPv6 address in capitals', '2001:DB8::1', 'http://[2001:db8::1]'],
    ['a network', '10.0.0.0/8', 'http://10.1.2.3'],
    ['the last of a list', 'a.test,b.test,up.test', 'http://up.test'],
    ['one of a list with blanks', ' a.test ,\tup.test ', 'http://up.test'],
    ['one of a list without commas', 'a.test up.test', 'http://up.test'],
    ['one of a list with nothing in places', ',,up.test,', 'http://up.test'],
  ])('excepts %s', (_name, list, url) => {
    expect(direct(url, list)).toBe(true);
  });

  test.each([
    ['nothing', '', 'http://up.test'],
    ['nothing, in many words', ' , ,', 'http://up.test'],
    ['a name that another ends with', 'p.test', 'http://up.test'],
    ['a name below', 'a.up.test', 'http://up.test'],
    ['a name with another port', 'up.test:8080', 'http://up.test'],
    ['a name with the port of another scheme', 'up.test:80', 'https://up.test'],
    ['a name with a port that is none', 'up.test:x', 'http://up.test'],
    ['a URL', 'http://up.test', 'http://up.test'],
    ['a dot', '.', 'http://up.test'],
    ['a star within', 'u*.test', 'http://up.test'],
    ['an address that another ends with', '0.0.1', 'http://10.0.0.1'],
    ['an IPv6 address with another port', '[2001:db8::1]:8080', 'http://[2001:db8::1]'],
    ['another network', '10.0.0.0/8', 'http://11.1.2.3'],
    ['a network that is none', '10.0.0.0/x', 'http://10.0.0.0'],
  ])('does not except other hosts by %s', (_name, list, url) => {
    expect(direct(url, list)).toBe(false);
  });

  test('in lower case wins unless it is empty', () => {
    const env = { ALL_PROXY: proxy, NO_PROXY: 'up.test' };
    expect(next('http://up.test', { ...env, no_proxy: 'other.test' })).toBe('proxy.test:3128');
    expect(next('http://up.test', { ...env, no_proxy: '' })).toBe('up.test:80');
  });
});
