import { describe, expect, test } from 'bun:test';
import { CookieJar } from '../../../src/http-client/cookie-jar.ts';
import { httpClient, unaborted } from '../../support/http-client.ts';
import { rawServer } from '../../support/raw-server.ts';

const url = 'https://up.example/api/mcp';
const nowMs = Date.UTC(2026, 0, 1);

/** What is returned to `to` after these fields, one response after another. */
function returned(fields: string[], to = url, configured?: string): string {
  const jar = new CookieJar(configured);
  for (const field of fields) jar.take([field], url, nowMs);
  return jar.header(to, nowMs);
}

describe('a cookie is returned', () => {
  test.each([
    ['with its value alone', ['lb=a; Path=/; HttpOnly; SameSite=Lax; Priority=High'], 'lb=a'],
    ['with all others, in the order in which they came', ['a=1', 'b=2'], 'a=1; b=2'],
    ['the one of the longer path first', ['a=1; Path=/', 'b=2; Path=/api'], 'b=2; a=1'],
    ['in its newest form', ['a=1', 'b=2', 'a=3'], 'a=3; b=2'],
    ['beside one of the same name for another path', ['a=1; Path=/', 'a=2; Path=/api'], 'a=2; a=1'],
    ['with what its value has of equals signs and quotes', ['a="x=y"=='], 'a="x=y"=='],
    ['with an empty value', ['a='], 'a='],
    ['without the blanks around it', [' a = b c ;Path=/'], 'a=b c'],
    ['in UTF-8, as it came', ['a=\u00c3\u00a9'], 'a=é'],
    ['until its time is over', ['a=1; Max-Age=60', 'b=2; Expires=Fri, 01 Jan 2027 00:00:00 GMT'], 'a=1; b=2'],
    ['with a date that has dashes', ['a=1; Expires=Fri, 01-Jan-2027 00:00:00 GMT'], 'a=1'],
    ['with a date that is none', ['a=1; Expires=soon', 'b=2; Max-Age=long'], 'a=1; b=2'],
    [
      'where its age says more than its date',
      ['a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
      'a=1',
    ],
    ['that is for a domain of the host', ['a=1; Domain=example', 'b=2; Domain=.up.example'], 'a=1; b=2'],
    ['with a path that is none', ['a=1; Path=api', 'b=2; Path='], 'a=1; b=2'],
  ])('%s', (_name, fields, header) => {
    expect(returned(fields)).toBe(header);
  });
});

describe('a cookie is not returned', () => {
  test.each([
    ['that was taken back by its age', ['a=1', 'a=; Max-Age=0']],
    ['that was taken back by a negative age', ['a=1', 'a=2; Max-Age=-1']],
    ['that was taken back by a date', ['a=1', 'a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT']],
    ['that was taken back by a date with dashes', ['a=1', 'a=; expires=Thu, 01-Jan-70 00:00:00 GMT']],
    ['of another host', ['a=1; Domain=other.example']],
    ['of a host whose name ends alike', ['a=1; Domain=p.example']],
    ['for another path', ['a=1; Path=/ap', 'b=2; Path=/api/mcp/x', 'c=3; Path=/other']],
    ['without a name', ['=1', ' ; Path=/', 'a', '']],
    ['with a control character', ['a=1\u0007', 'a\u007f=1', 'a\tb=1']],
    ['that is no UTF-8', ['a=\u00ff']],
    ['of more than 4 KiB', [`a=${'x'.repeat(4096)}`]],
  ])('%s', (_name, fields) => {
    expect(returned(fields)).toBe('');
  });

  test('over plain HTTP if it is secure', () => {
    expect(returned(['a=1; Secure', 'b=2'], 'http://up.example/api/mcp')).toBe('b=2');
  });

  test('after its expiry', () => {
    const jar = new CookieJar();
    jar.take(['a=1; Max-Age=60', 'b=2; Max-Age=120', 'c=3'], url, nowMs);
    expect(jar.header(url, nowMs + 59_999)).toBe('a=1; b=2; c=3');
    expect(jar.header(url, nowMs + 60_000)).toBe('b=2; c=3');
    expect(jar.header(url, nowMs + 120_000)).toBe('c=3');
  });
});

describe('a path', () => {
  test.each([
    ['/', 'a=1; Path=/', 'a=1'],
    ['/api', 'a=1', 'a=1'],
    ['/api/sse', 'a=1', 'a=1'],
    ['/', 'a=1', ''],
    ['/apis', 'a=1; Path=/api', ''],
    ['/api/', 'a=1; Path=/api/', 'a=1'],
    ['/api', 'a=1; Path=/api/', ''],
  ])('%s gets, of %s: "%s"', (path, field, header) => {
    expect(returned([field], new URL(path, url).href)).toBe(header);
  });
});

describe('a configured Cookie', () => {
  test('is sent alone if the server sets none', () => {
    expect(returned([], url, 'key=mine')).toBe('key=mine');
  });

  test('precedes cookies of the server, which do not replace it', () => {
    expect(returned(['key=theirs', 'lb=a'], url, 'key=mine; other=1')).toBe('key=mine; other=1; lb=a');
  });
});

describe('the oldest cookie is dropped beyond', () => {
  test('50 cookies', () => {
    const pairs = returned(Array.from({ length: 60 }, (_, index) => `c${index}=1`)).split('; ');
    expect(pairs).toHaveLength(50);
    expect(pairs[0]).toBe('c10=1');
  });

  test('16 KiB', () => {
    const header = returned(Array.from({ length: 10 }, (_, index) => `c${index}=${'x'.repeat(4000)}`));
    expect(header.split('; ').map((pair) => pair.slice(0, 2))).toEqual(['c6', 'c7', 'c8', 'c9']);
  });
});

test('every Set-Cookie of a response is stored, also in redirects, for its own session only', async () => {
  using server = await rawServer(({ socket, target }) => {
    const location = target === '/mcp' ? 'Location: /moved\r\nSet-Cookie: way=1; Path=/\r\n' : '';
    const status = location === '' ? '200 OK' : '307 Temporary Redirect';
    socket.write(
      `HTTP/1.1 ${status}\r\n${location}Set-Cookie: a=1, b=2; Path=/\r\nset-cookie: c=3\r\nContent-Length: 0\r\n\r\n`,
    );
  });
  await using client = httpClient(`${server.origin}/mcp`, { headersFor: () => ({ cookie: 'own=1' }) });
  const sent = () => server.requests.map(({ headers }) => headers.get('cookie'));
  await client.fetch({ method: 'POST', body: '{}', signal: unaborted });
  await client.fetch({ method: 'GET', signal: unaborted });
  const all = 'own=1; way=1; a=1, b=2; c=3';
  expect(sent()).toEqual(['own=1', all, all]);
  await client.another().fetch({ method: 'POST', body: '{}', signal: unaborted });
  expect(sent()[3]).toBe('own=1');
});
