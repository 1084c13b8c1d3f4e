import { expect, test } from 'bun:test';
import { fakeSse } from '../support/fake-sse.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const env = { UP_PASSWORD: 'p%40ss-word-w1' };
// wiki-user:p@ss-word-w1
const basic = 'Basic d2lraS11c2VyOnBAc3Mtd29yZC13MQ==';
const secrets = ['wiki-user', 'p%40ss-word-w1', 'p@ss-word-w1', 'd2lraS11c2VyOnBAc3Mtd29yZC13MQ'];
const withUserInfo = (url: string) => url.replace('://', `://wiki-user:\${UP_PASSWORD}@`);
const secretsIn = (text: string) => secrets.filter((secret) => text.includes(secret));

test('a user name and password in the URL are sent as Authorization: Basic and shown nowhere', async () => {
  await using upstream = await fakeUpstream({
    onPost: ({ method }, { headers }) =>
      method === 'tools/call' ? new Response(headers.get('authorization'), { status: 500 }) : undefined,
  });
  const server = { name: 'up', url: withUserInfo(upstream.url) };
  await using gateway = await startGateway({ servers: [server] }, env);
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/call', { name: 'up__echo' });

  const posts = upstream.received.filter(({ httpMethod }) => httpMethod === 'POST');
  expect(new Set(posts.map(({ headers }) => headers.get('authorization')))).toEqual(new Set([basic]));
  expect(new Set(posts.map(({ headers }) => headers.get('host')))).toEqual(
    new Set([`127.0.0.1:${upstream.port}`]),
  );
  const health = await gateway.health();
  expect(health.servers[0]?.url).toBe(upstream.url);
  expect(secretsIn(JSON.stringify([answer, health, gateway.logs]))).toEqual([]);
});

test('they are sent to the endpoint of HTTP+SSE, too', async () => {
  await using upstream = await fakeSse({});
  const server = { name: 'up', url: withUserInfo(upstream.url), protocol: 'sse' };
  await using gateway = await startGateway({ servers: [server] }, env);
  await gateway.connected();
  expect(new Set(upstream.received.map(({ headers }) => headers.get('authorization')))).toEqual(
    new Set([basic]),
  );
  expect(secretsIn(JSON.stringify([await gateway.health(), gateway.logs]))).toEqual([]);
});
