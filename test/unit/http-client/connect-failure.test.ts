import { describe, expect, test } from 'bun:test';
import { connectFailure, proxyRefusal } from '../../../src/http-client/connect-failure.ts';

const server = { hostname: 'up.example', port: 443, proxyVariable: null };
const proxy = { hostname: '::1', port: 3128, proxyVariable: 'HTTPS_PROXY' };
const withCode = (code: string, message = 'http://user:password@host/?key=secret') =>
  Object.assign(new Error(message), { code });

describe('a connection to a server fails', () => {
  test.each([
    ['ECONNREFUSED', 'connection refused by up.example:443; is the server running?'],
    ['ENOTFOUND', 'host name not found: up.example:443; check the url'],
    ['EAI_AGAIN', 'host name not found: up.example:443 (EAI_AGAIN: no name server answers)'],
    ['EHOSTUNREACH', 'cannot connect to up.example:443 (EHOSTUNREACH)'],
    ['ECONNRESET', 'connection closed by up.example:443 before it could be used'],
    ['SomethingNew', 'cannot connect to up.example:443 (SomethingNew)'],
    ['http://host/?key=secret', 'cannot connect to up.example:443'],
    [
      'CERT_HAS_EXPIRED',
      'TLS handshake failed (CERT_HAS_EXPIRED): the certificate of up.example:443 has expired',
    ],
    [
      'CERT_NOT_YET_VALID',
      'TLS handshake failed (CERT_NOT_YET_VALID): the certificate of up.example:443 is not valid yet; is the clock right?',
    ],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'TLS handshake failed (ERR_TLS_CERT_ALTNAME_INVALID): the certificate of up.example:443 is for other names; the URL must use one of those',
    ],
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'TLS handshake failed (UNABLE_TO_VERIFY_LEAF_SIGNATURE): nobody who is trusted here vouches for the certificate of up.example:443; NODE_EXTRA_CA_CERTS=FILE adds an authority',
    ],
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'TLS handshake failed (SELF_SIGNED_CERT_IN_CHAIN): nobody who is trusted here vouches for the certificate of up.example:443; NODE_EXTRA_CA_CERTS=FILE adds an authority',
    ],
  ])('%s: %s', (code, message) => {
    expect(connectFailure(withCode(code), server)).toMatchObject({ kind: 'refused', message });
  });

  test.each([
    [
      'error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER',
      'TLS handshake failed (WRONG_VERSION_NUMBER): up.example:443 does not speak TLS; should its URL begin with http://?',
    ],
    [
      'error:10000410:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE',
      'TLS handshake failed (SSLV3_ALERT_HANDSHAKE_FAILURE)',
    ],
    [
      'error:1000045c:SSL routines:OPENSSL_internal:TLSV1_ALERT_CERTIFICATE_REQUIRED',
      'TLS handshake failed (TLSV1_ALERT_CERTIFICATE_REQUIRED): up.example:443 wants a certificate of its clients',
    ],
    ['password', 'TLS handshake failed (EPROTO)'],
  ])('EPROTO, %s', (said, message) => {
    expect(connectFailure(withCode('EPROTO', said), server).message).toBe(message);
  });

  test('for an unknown reason', () => {
    for (const error of [null, undefined, 'secret', new TypeError('secret'), {}]) {
      expect(connectFailure(error, server).message).toBe('cannot connect to up.example:443');
    }
  });
});

describe('a connection to a proxy fails', () => {
  test.each([
    ['ECONNREFUSED', 'connection refused by the proxy [::1]:3128 (HTTPS_PROXY); is the proxy running?'],
    ['ENOTFOUND', 'host name not found: the proxy [::1]:3128 (HTTPS_PROXY); check the variable'],
  ])('%s: %s', (code, message) => {
    expect(connectFailure(withCode(code), proxy).message).toBe(message);
  });
});

test.each([
  [407, ': it wants a user name and password (HTTPS_PROXY=http://USER:PASSWORD@…)'],
  [403, ': it does not allow connections to up.example:443'],
  [502, ': it cannot reach up.example:443'],
  [302, ''],
])('a proxy that answers %d%s', (status, why) => {
  const message = `the proxy [::1]:3128 (HTTPS_PROXY) answered HTTP ${status}${why}`;
  expect(proxyRefusal(status, proxy, 'up.example:443')).toBe(message);
});
