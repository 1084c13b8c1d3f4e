import { describe, expect, test } from 'bun:test';
import { BearerGuard, HostGuard } from '../../../src/http/guards.ts';

const refused = (header: string, host: string) =>
  `the host "${host}" of the ${header} header is not allowed here; add it to mcp.allowed_hosts`;

describe('the host name of a header', () => {
  const guard = new HostGuard('127.0.0.1', []);

  test.each([
    ['a.example', 'a.example'],
    ['A.EXAMPLE:8766', 'a.example'],
    ['a.example.', 'a.example'],
    ['192.0.2.1:80', '192.0.2.1'],
    ['[::2]', '::2'],
    ['[::2]:8766', '::2'],
    ['my_host-1.example.com:1', 'my_host-1.example.com'],
  ])('Host: %s is %s', (header, host) => {
    expect(guard.check(header, null)).toBe(refused('Host', host));
  });

  test.each([
    ['http://a.example', 'a.example'],
    ['HTTPS://App.Example:8443', 'app.example'],
    ['http://[::2]:5173', '::2'],
    ['chrome-extension://abcdef', 'abcdef'],
  ])('Origin: %s is %s', (header, host) => {
    expect(guard.check('localhost', header)).toBe(refused('Origin', host));
  });

  test.each([
    '',
    ':80',
    '::1',
    '[::1',
    'localhost:',
    'localhost:port',
    'localhost:123456',
    'localhost/',
    'user@localhost',
    'localhost evil.example',
    'localhost, evil.example',
    'evil.example#localhost',
  ])('is missing in Host: %s', (header) => {
    expect(guard.check(header, null)).toBe(`the Host header "${header}" names no host`);
  });

  test.each([
    'null',
    '',
    'localhost',
    'file://',
    'http://localhost/path',
    'http://user@localhost',
    'http://localhost#',
    'http://evil.example http://localhost',
  ])('is missing in Origin: %s', (header) => {
    expect(guard.check('localhost', header)).toBe(`the Origin header "${header}" names no host`);
  });

  test('is ASCII', () => {
    expect(guard.check('locälhost', null)).toBe('the Host header "loc?lhost" names no host');
  });
});

describe('a gateway that listens on loopback', () => {
  const guard = new HostGuard('127.0.0.1', ['Gateway.Example.']);

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
    expect(guard.check(host, null)).toBeNull();
  });

  test.each([
    [null, 'the request has no Host header'],
    ['', 'the Host header "" names no host'],
    ['a b', 'the Host header "a b" names no host'],
    ['evil.example', refused('Host', 'evil.example')],
    ['EVIL.example.:8766', refused('Host', 'evil.example')],
    ['localhost.evil.example', refused('Host', 'localhost.evil.example')],
    ['127.0.0.1.evil.example', refused('Host', '127.0.0.1.evil.example')],
    ['1127.0.0.1', refused('Host', '1127.0.0.1')],
    ['128.0.0.1', refused('Host', '128.0.0.1')],
    ['0.0.0.0', refused('Host', '0.0.0.0')],
    ['[::2]', refused('Host', '::2')],
    ['sub.gateway.example', refused('Host', 'sub.gateway.example')],
  ])('does not answer to the Host %p, and says so', (host, problem) => {
    expect(guard.check(host, null)).toBe(problem);
  });

  test('checks the host name of an Origin, whatever its scheme and port', () => {
    expect(guard.check('localhost', 'https://localhost:5173')).toBeNull();
    expect(guard.check('localhost', 'http://gateway.example')).toBeNull();
    expect(guard.check('localhost', 'http://evil.example:81')).toBe(refused('Origin', 'evil.example'));
    expect(guard.check('localhost', 'null')).toBe('the Origin header "null" names no host');
  });

  test('is not misled by the headers that it allowed last', () => {
    expect(guard.check('localhost', 'http://localhost')).toBeNull();
    expect(guard.check('evil.example', 'http://localhost')).toBe(refused('Host', 'evil.example'));
    expect(guard.check('localhost', 'http://evil.example')).toBe(refused('Origin', 'evil.example'));
  });

  test('repeats at most 100 printable ASCII characters of what it refuses', () => {
    expect(guard.check(`a\u001b[2J\u00fc${'x'.repeat(2000)}`, null)).toBe(
      `the Host header "a?[2J?${'x'.repeat(91)}..." names no host`,
    );
    expect(guard.check('a'.repeat(2000), null)).toBe(refused('Host', `${'a'.repeat(97)}...`));
  });
});

describe('a gateway that listens beyond loopback', () => {
  test('answers to any Host, and checks the Origin', () => {
    const guard = new HostGuard('0.0.0.0', []);
    expect(guard.check('whatever.example', null)).toBeNull();
    expect(guard.check(null, null)).toBeNull();
    expect(guard.check('whatever.example', 'http://whatever.example')).toBe(
      refused('Origin', 'whatever.example'),
    );
    expect(guard.check('10.0.0.7', 'http://10.0.0.7')).toBe(refused('Origin', '10.0.0.7'));
    expect(guard.check('whatever.example', 'http://localhost:3000')).toBeNull();
  });

  test('checks the Host as soon as allowed hosts are named', () => {
    const guard = new HostGuard('192.0.2.1', ['gateway.example']);
    expect(guard.check('whatever.example', null)).toBe(refused('Host', 'whatever.example'));
    expect(guard.check('gateway.example', 'https://gateway.example')).toBeNull();
    expect(guard.check('192.0.2.1:8766', 'http://192.0.2.1:8766')).toBeNull();
  });

  test.each(['10.1.2.3', '10.1.2.3:8766', '[fd00::7]:8766', '127.0.0.1', '[2001:DB8:0::1]'])(
    'answers to the address %s in Host all the same: no rebound page sends one',
    (host) => {
      const guard = new HostGuard('0.0.0.0', ['gateway.example']);
      expect(guard.check(host, null)).toBeNull();
    },
  );

  test.each([
    '10.1.2.3.evil.example',
    '10.1.2',
    '10.1.2.256',
    '167838211',
    '0x0a010203',
    '010.1.2.3',
    'fd00::7',
  ])('does not take %s for an address', (host) => {
    const guard = new HostGuard('0.0.0.0', ['gateway.example']);
    expect(guard.check(host, null)).not.toBeNull();
  });

  test('knows the IPv6 address that it is configured with, however it is written', () => {
    const guard = new HostGuard('2001:DB8::1', ['gateway.example']);
    expect(guard.check(null, 'http://[2001:db8::1]:8766')).toBe('the request has no Host header');
    expect(guard.check('gateway.example', 'http://[2001:db8::1]:8766')).toBeNull();
    expect(guard.check('gateway.example', 'http://[2001:db8:0:0::1]:8766')).toBeNull();
  });
});

describe('an allowed host may be', () => {
  const guard = new HostGuard('127.0.0.1', [
    '10.0.0.0/8',
    '192.0.2.7',
    'FD00::/8',
    '2001:db8:0::1',
    '*.Apps.Example.',
  ]);
  test.each([
    ['an address', ['192.0.2.7:80', '[2001:db8::1]'], ['192.0.2.8', '[2001:db8::2]']],
    [
      'a range of addresses',
      ['10.0.0.0', '10.255.255.255:8766', '[fd12:3456::1]:80', '[::ffff:10.1.2.3]'],
      ['11.0.0.0', '9.255.255.255', '[fe00::1]', '10.0.0.0.evil.example'],
    ],
    [
      'all names below a domain, at any depth, but not the domain itself',
      ['a.apps.example', 'A.B.apps.EXAMPLE.:80'],
      ['apps.example', 'a.apps.example.evil', 'xapps.example', 'example', '.apps.example'],
    ],
  ])('%s', (_, allowed, others) => {
    for (const host of allowed) {
      expect([host, guard.check(host, null)]).toEqual([host, null]);
      expect(guard.check('localhost', `https://${host}`)).toBeNull();
    }
    for (const host of others) {
      expect([host, guard.check(host, null)]).toEqual([host, expect.stringContaining('is not allowed here')]);
      expect(guard.check('localhost', `https://${host}`)).toContain('is not allowed here');
    }
  });
});

describe('a bearer token', () => {
  const guard = new BearerGuard('s3cret-token');

  test.each(['Bearer s3cret-token', 'bearer s3cret-token', 'BEARER  s3cret-token'])(
    'is taken in %p',
    (header) => {
      expect(guard.check(header)).toBeNull();
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
    expect(guard.check('Bearer s3cret-token')).toBeNull();
    expect(guard.check(header)).toBe(problem);
  });

  test('may have characters beyond ASCII', () => {
    const guard = new BearerGuard('schlüssel');
    expect(guard.check('Bearer schlüssel')).toBeNull();
    expect(guard.check('Bearer schluessel')).toBe('wrong_token');
    expect(guard.check('Bearer schlassel')).toBe('wrong_token');
  });
});
