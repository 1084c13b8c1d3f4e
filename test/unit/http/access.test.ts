import { describe, expect, test } from 'bun:test';
import { AccessGuard, accessRules } from '../../../src/http/access.ts';

const cookie = { isValid: (cookies: string | null) => cookies === 'page=1' };
const guard = new AccessGuard({ bearerToken: 'bearer-token', adminToken: 'admin-token', cookie });
const open = new AccessGuard({ bearerToken: null, adminToken: 'admin-token', cookie });
const credentials = {
  nothing: {},
  'the bearer token': { authorization: 'Bearer bearer-token' },
  'the admin token': { authorization: 'bearer admin-token' },
  'the cookie of the page': { cookie: 'page=1' },
};

describe('a gateway with a bearer token opens', () => {
  test.each([
    ['everyone', ['nothing', 'the bearer token', 'the admin token', 'the cookie of the page']],
    ['clients', ['the bearer token']],
    ['entrants', ['nothing', 'the bearer token', 'the admin token', 'the cookie of the page']],
    ['readers', ['the bearer token', 'the admin token', 'the cookie of the page']],
    ['operators', ['the bearer token', 'the admin token']],
    ['administrators', ['the bearer token', 'the admin token']],
  ] as const)('routes for %s to holders of %p', (access, holders) => {
    const rule = accessRules[access];
    const admitted = Object.entries(credentials).filter(
      ([, headers]) => !guard.isGuarded(rule) || guard.check(rule, new Headers(headers)) === null,
    );
    expect(admitted.map(([name]) => name)).toEqual([...holders]);
  });
});

test('a gateway without a bearer token guards the routes of administrators only', () => {
  const guarded = Object.entries(accessRules).filter(([, rule]) => open.isGuarded(rule));
  expect(guarded.map(([name]) => name)).toEqual(['administrators']);
  const check = (authorization: string) =>
    open.check(accessRules.administrators, new Headers({ authorization }));
  expect(check('Bearer admin-token')).toBe(null);
  expect(check('Bearer admin-tokem')).toBe('wrong_token');
  expect(check('Basic admin-token')).toBe('bad_format');
});

test('the token that a person types is compared with the bearer token', () => {
  expect(guard.checkToken('bearer-token')).toBe(null);
  expect(guard.checkToken('admin-token')).toBe('wrong_token');
  expect(guard.checkToken('')).toBe('bad_format');
  expect(open.checkToken('anything')).toBe(null);
});

describe.each([
  ['an administrator', 'administrators', 'application/json; charset=utf-8', 'text/plain'],
  ['a browser that signs in', 'entrants', 'application/x-www-form-urlencoded', 'application/json'],
] as const)('a request of %s', (_who, access, type, wrongType) => {
  const problem = (headers: Record<string, string>, method = 'POST') => {
    const request = new Request('http://gateway:8766/', {
      method,
      headers: { 'content-type': type, host: 'gateway:8766', ...headers },
    });
    return open.formProblem(accessRules[access], request)?.status ?? null;
  };

  test.each([
    ['without an Origin', {}, null],
    ['of the same origin', { origin: 'http://gateway:8766' }, null],
    ['of the same origin behind a proxy with TLS', { origin: 'https://GATEWAY:8766' }, null],
    ['of another port', { origin: 'http://gateway:3000' }, 403],
    ['of a page without origin', { origin: 'null' }, 403],
    ['of another host', { origin: 'http://evil.example' }, 403],
    ['of another type', { 'content-type': wrongType }, 415],
  ])('%s', (_, headers, status) => {
    expect(problem(headers)).toBe(status as never);
  });

  test('without a body needs no type', () => {
    expect(problem({ 'content-type': 'text/plain' }, 'GET')).toBe(null);
  });
});
