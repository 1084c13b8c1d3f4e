import { describe, expect, test } from 'bun:test';
import { BearerGuard, HostGuard, hostOf, originHost } from '../../../src/http/guards.ts';

describe('the host name in a Host header', () => {
  test.each([
    ['localhost', 'localhost'],
    ['LOCALHOST:8766', 'localhost'],
    ['localhost.', 'localhost'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[::1]:8766', '::1'],
    ['my_host-1.example.com:1', 'my_host-1.example.com'],
    ['', null],
    [':80', null],
    ['::1', null],
    ['[::1', null],
    ['localhost:', null],
    ['localhost:port', null],
    ['localhost:123456', null],
    ['localhost/', null],
    ['user@localhost', null],
    ['localhost evil.example', null],
    ['localhost, evil.example', null],
    ['evil.example#localhost', null],
    ['locälhost', null],
  ])('%p is %p', (header, expected) => {
    expect(hostOf(header)).toBe(expected);
  });
});

describe('the host name in an Origin header', () => {
  test.each([
    ['http://localhost', 'localhost'],
    ['HTTPS://App.Example:8443', 'app.example'],
    ['http://[::1]:5173', '::1'],
    ['chrome-extension://abcdef', 'abcdef'],
    ['null', null],
    ['', null],
    ['localhost', null],
    ['file://', null],
    ['http://localhost/path', null],
    ['http://user@localhost', null],
    ['http://localhost#', null],
    ['http://evil.example http://localhost', null],
  ])('%p is %p', (header, expected) => {
    expect(originHost(header)).toBe(expected);
  });
});

const hostProblem = 'the Host header is not allowed here; add its host name to mcp.allowed_hosts';
const originProblem = 'the Origin header is not allowed here; add its host name to mcp.allowed_hosts';

describe('a gateway that listens on loopback', () => {
  const guard = new HostGuard({ host: '127.0.0.1', allowedHosts: ['Gateway.Example.'] });

  test.each([
    'localhost:8766',
    'localhost.:8766',
    '127.0.0.1:8766',
    '127.255.0.3',
    '[::1]:8766',
    '[::ffff:127.0.0.1]:8766',
    'gateway.example',
    'GATEWAY.example.:99',
  ])('answers to the Host %s', (host) => {
    expect(guard.problem(host, null)).toBeNull();
  });

  test.each([
    null,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '1127.0.0.1',
    '128.0.0.1',
    '0.0.0.0',
    '[::2]',
    'sub.gateway.example',
    'a b',
  ])('does not answer to the Host %p', (host) => {
    expect(guard.problem(host, null)).toBe(hostProblem);
  });

  test('takes an Origin by its host name, whatever its scheme and port', () => {
    expect(guard.problem('localhost', 'https://localhost:5173')).toBeNull();
    expect(guard.problem('localhost', 'http://gateway.example')).toBeNull();
    expect(guard.problem('localhost', 'http://evil.example')).toBe(originProblem);
    expect(guard.problem('localhost', 'null')).toBe(originProblem);
  });
});

describe('a gateway that listens beyond loopback', () => {
  test('answers to any Host, and checks the Origin', () => {
    const guard = new HostGuard({ host: '0.0.0.0', allowedHosts: [] });
    expect(guard.problem('whatever.example', null)).toBeNull();
    expect(guard.problem(null, null)).toBeNull();
    expect(guard.problem('whatever.example', 'http://whatever.example')).toBe(originProblem);
    expect(guard.problem('whatever.example', 'http://localhost:3000')).toBeNull();
  });

  test('checks the Host as soon as allowed hosts are named', () => {
    const guard = new HostGuard({ host: '192.0.2.1', allowedHosts: ['gateway.example'] });
    expect(guard.problem('whatever.example', null)).toBe(hostProblem);
    expect(guard.problem('gateway.example', 'https://gateway.example')).toBeNull();
    expect(guard.problem('192.0.2.1:8766', 'http://192.0.2.1:8766')).toBeNull();
  });

  test('knows the IPv6 address that it is configured with', () => {
    const guard = new HostGuard({ host: '2001:DB8::1', allowedHosts: ['gateway.example'] });
    expect(guard.problem('[2001:db8::1]:8766', null)).toBeNull();
  });
});

describe('a bearer token', () => {
  const guard = new BearerGuard('s3cret-token');

  test.each(['Bearer s3cret-token', 'bearer s3cret-token', 'BEARER  s3cret-token'])(
    'is taken in %p',
    (header) => {
      expect(guard.problem(header)).toBeNull();
    },
  );

  test.each([
    [null, 'missing_header'],
    ['', 'missing_header'],
    ['Bearer', 'bad_format'],
    ['Bearer ', 'bad_format'],
    ['Bearers3cret-token', 'bad_format'],
    ['s3cret-token', 'bad_format'],
    ['Basic s3cret-token', 'bad_format'],
    ['Bearer s3cret-token s3cret-token', 'bad_format'],
    ['Bearer s3cret-token, Bearer s3cret-token', 'bad_format'],
    ['Bearer wrong', 'wrong_token'],
    ['Bearer S3cret-token', 'wrong_token'],
    ['Bearer s3cret-toke', 'wrong_token'],
    ['Bearer s3cret-token2', 'wrong_token'],
    ['Bearer s3cret-toke€', 'wrong_token'],
    ['Bearer s3cret-tok€', 'wrong_token'],
    ['Bearer €', 'wrong_token'],
  ] as const)('is not taken in %p: %s', (header, problem) => {
    // A guard that has just seen the right one must not take it for the next.
    expect(guard.problem('Bearer s3cret-token')).toBeNull();
    expect(guard.problem(header)).toBe(problem);
  });

  test('may have characters beyond ASCII', () => {
    const guard = new BearerGuard('schlüssel');
    expect(guard.problem('Bearer schlüssel')).toBeNull();
    expect(guard.problem('Bearer schluessel')).toBe('wrong_token');
    expect(guard.problem('Bearer schlassel')).toBe('wrong_token');
  });
});
