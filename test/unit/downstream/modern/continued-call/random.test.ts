import { expect, test } from 'bun:test';
import type { Exchange } from '../../../../../src/protocol/exchange.ts';
import { nextTurn } from '../../../../../src/runtime/event-loop.ts';
import { askOf, modernCalls } from '../../../../support/modern-calls.ts';
import { Random } from '../../../../support/random.ts';

/** A state that the client was given, with the keys of its questions. */
interface Given {
  readonly requestState: string;
  readonly keys: readonly string[];
}

/** Lets a client and a legacy upstream do whatever they may, in any order; returns what became of all. */
async function play(random: Random) {
  let exchange: Exchange | null = null;
  const edge = modernCalls((got) => {
    exchange = got;
  });
  const requests = [edge.request()];
  const asked: ReturnType<typeof askOf>[] = [];
  const gone = new Set<object>();
  let isAnswered = false;
  const upstream = exchange as unknown as Exchange;
  const states = (): Given[] =>
    requests.flatMap(({ answer }) =>
      answer?.result?.requestState
        ? [{ requestState: answer.result.requestState, keys: Object.keys(answer.result.inputRequests) }]
        : [],
    );
  const retry = () => {
    const all = states();
    if (all.length === 0) return;
    const { requestState, keys } = random.pick(all);
    const chosen = keys.filter(() => random.below(4) > 0);
    const action = random.below(5) === 0 ? 'decline' : 'accept';
    const inputResponses = Object.fromEntries(chosen.map((key) => [key, { action }]));
    requests.push(edge.request({ requestState, inputResponses }));
  };
  const moves = [
    () => void (isAnswered || upstream.signal.aborted || asked.push(askOf(upstream))),
    () => random.pick(asked)?.signal.abort(),
    retry,
    retry,
    () => edge.clock.advance(random.pick([1, 12, 60])),
    () => edge.clock.advance(random.pick([100, 16_000, 61_000])),
    () => {
      const request = random.pick(requests);
      // A reply that is done has no client to lose.
      if (request.answer === undefined && !gone.has(request) && random.below(8) === 0) {
        gone.add(request);
        request.call.onReplyGone();
      }
    },
    () => {
      if (isAnswered || random.below(12) > 0) return;
      isAnswered = true;
      upstream.answer({ kind: 'result', payload: '{"content":[]}' });
    },
  ];
  for (let step = 0; step < 40; step++) {
    random.pick(moves)();
    if (random.below(3) === 0) await nextTurn();
  }
  // The upstream answers, or was told to stop; then all times pass.
  if (!isAnswered) upstream.answer({ kind: 'result', payload: '{"content":[]}' });
  edge.clock.advance(60);
  await nextTurn();
  edge.clock.advance(1_300_000);
  return { requests, asked, gone, parked: edge.parked(), counted: edge.counted.length };
}

test('whatever happens in whatever order, each request and each question ends once', async () => {
  for (let seed = 0; seed < 300; seed++) {
    const { requests, asked, gone, parked, counted } = await play(new Random(seed));
    for (const request of requests) {
      const answers = request.sent.filter((message) => 'id' in message).length;
      if (gone.has(request)) expect(answers).toBeLessThan(2);
      else expect([seed, answers]).toEqual([seed, 1]);
    }
    for (const { answer, error } of asked)
      expect([seed, Number(answer !== null) + Number(error !== null)]).toEqual([seed, 1]);
    expect([seed, parked, counted]).toEqual([seed, 0, asked.length]);
  }
});
