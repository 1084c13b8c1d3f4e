import { describe, expect, test } from 'bun:test';
import { Abort } from '../../../../src/runtime/abort.ts';
import { playedSession } from '../../../support/played-session.ts';

const accepted = '"result":{"protocolVersion":"2025-11-25","capabilities":{}}';

/** Opens a session whose server answers each `initialize` in turn. */
async function opened(answers: readonly string[], client: Parameters<typeof playedSession>[0] = null) {
  const { session, answer, requests } = playedSession(client);
  const opening = session.open(new Abort());
  for (const [at, text] of answers.entries()) {
    await Bun.sleep(0);
    answer(at, text);
  }
  const failure = await opening.then(
    () => null,
    (error: Error) => error.message,
  );
  return { sent: requests.map(({ body }) => JSON.parse(body).params), failure };
}

describe('initialize', () => {
  test('declares in a shared session all that one of its clients may have', async () => {
    const { sent } = await opened([accepted]);
    expect(sent).toMatchObject([
      {
        protocolVersion: '2025-11-25',
        clientInfo: { name: 'mcpstead' },
        capabilities: {
          elicitation: { form: {}, url: {} },
          sampling: { context: {}, tools: {} },
          roots: { listChanged: true },
        },
      },
    ]);
  });

  test('introduces the only client of a session in its own words', async () => {
    const clientInfo = { name: 'one', version: '2', title: 'One' };
    const capabilities = { sampling: {}, experimental: { a: { b: 1 } } };
    const texts = { clientInfo: JSON.stringify(clientInfo), capabilities: JSON.stringify(capabilities) };
    const { sent } = await opened([accepted], texts);
    expect(sent).toEqual([{ protocolVersion: '2025-11-25', clientInfo, capabilities }]);
  });

  test('names a client that has not said who it is', async () => {
    const { sent } = await opened([accepted], { clientInfo: '{"version":"7"}', capabilities: '{}' });
    expect(sent[0].clientInfo).toEqual({ name: 'mcpstead', version: '7' });
  });

  test('is repeated once with plain capabilities if it is refused as invalid', async () => {
    const invalid = '"error":{"code":-32602,"message":"unknown field form"}';
    const { sent, failure } = await opened([invalid, accepted]);
    expect(failure).toBeNull();
    expect(sent[1].capabilities).toEqual({ elicitation: {}, sampling: {}, roots: {} });
    const again = await opened([invalid, invalid]);
    expect(again.sent).toHaveLength(2);
    expect(again.failure).toBe('refused to initialize: unknown field form (error -32602)');
  });

  test('is not repeated if plainer capabilities cannot help', async () => {
    const other = await opened(['"error":{"code":-32000,"message":"not today"}']);
    expect(other.sent).toHaveLength(1);
    const invalid = '"error":{"code":-32602,"message":"no"}';
    const plain = await opened([invalid], { clientInfo: '{}', capabilities: '{"roots":{}}' });
    expect(plain.sent).toHaveLength(1);
  });
});
