import { describe, expect, test } from 'bun:test';
import { AccessGuard, accessRules } from '../../../src/http/access.ts';

const cookie = { isValid: (cookies: string | null) => cookies === 'page=1' };
const guard = new AccessGuard({ bearerToken: 'bearer-token', adminToken: 'admin-token', cookie });
const open = new AccessGuard({ bearerToken: null, adminToken: 'admin-token', cookie: null });
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

describe('a request of an administrator', () => {
  const problem = (headers: Record<string, string>) =>
    open.formProblem(accessRules.administrators, new Headers(headers))?.status ?? null;
  const json = { 'content-type': 'application/json; charset=utf-8', host: 'gateway:8766' };

  test.each([
    ['without an Origin', {}, null],
    ['of the same origin', { origin: 'http://gateway:8766' }, null],
    ['of the same origin behind a proxy with TLS', { origin: 'https://GATEWAY:8766' }, null],
    ['of another port', { origin: 'http://gateway:3000' }, 403],
    ['of a page without origin', { origin: 'null' }, 403],
    ['of another host', { origin: 'http://evil.example' }, 403],
    ['that is no JSON', { 'content-type': 'text/plain' }, 415],
  ])('%s', (_, headers, status) => {
    expect(problem({ ...json, ...headers })).toBe(status as never);
  });
});
