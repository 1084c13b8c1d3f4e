import { expect, test } from 'bun:test';
import { isOverTls, readerOf } from '../../../../src/http/page/reader.ts';

const read = (headers: Record<string, string>) =>
  readerOf(new Request('http://ignored/', { headers }), 'http://127.0.0.1:8766/mcp');

test.each([
  ['127.0.0.1:8766', 'http://127.0.0.1:8766/mcp', true],
  ['localhost:8766', 'http://127.0.0.1:8766/mcp', true],
  ['[::1]:8766', 'http://127.0.0.1:8766/mcp', true],
  // A tunnel, or the port of a container.
  ['localhost:9000', 'http://localhost:9000/mcp', false],
  ['192.168.1.5:8766', 'http://192.168.1.5:8766/mcp', false],
  ['mcp.example.com', 'http://mcp.example.com/mcp', false],
  // No host at all: nothing is known.
  ['a b"c', 'http://127.0.0.1:8766/mcp', true],
])('by the host %s, the gateway is at %s', (host, url, isLocal) => {
  expect(read({ host })).toMatchObject({ url, isLocal });
});

test('behind a proxy with TLS, the gateway is at an https URL', () => {
  expect(read({ host: 'mcp.example.com', 'x-forwarded-proto': 'https' }).url).toBe(
    'https://mcp.example.com/mcp',
  );
});

test.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64)', 'win32'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 'darwin'],
  ['Mozilla/5.0 (X11; Linux x86_64)', 'linux'],
  ['', 'linux'],
])('%p runs on %s', (agent, platform) => {
  expect(read({ 'user-agent': agent }).platform).toBe(platform as NodeJS.Platform);
});

test.each([
  [{}, false],
  [{ origin: 'http://mcp.example.com' }, false],
  [{ origin: 'HTTPS://mcp.example.com' }, true],
  [{ 'x-forwarded-proto': 'http' }, false],
  [{ 'x-forwarded-proto': 'https, http' }, true],
  [{ 'x-forwarded-proto': 'http, https' }, false],
])('%p: https is %p', (headers, expected) => {
  expect(isOverTls(new Headers(headers as Record<string, string>))).toBe(expected);
});
