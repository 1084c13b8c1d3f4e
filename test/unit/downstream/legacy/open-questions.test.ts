import { describe, expect, test } from 'bun:test';
import { type Asker, OpenQuestions } from '../../../../src/downstream/legacy/open-questions.ts';
import { DownstreamMetrics } from '../../../../src/observability/downstream-metrics.ts';
import { Families } from '../../../../src/observability/series.ts';
import type { Question, QuestionAnswer } from '../../../../src/protocol/questions.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { sampleValue, textOf } from '../../../support/prometheus-page.ts';

interface SentMessage {
  readonly id?: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** The questions of a session, and calls of it that ask. */
function questionsOf() {
  const families = new Families();
  const questions = new OpenQuestions(new DownstreamMetrics(families, () => 0), 0);
  const sent: SentMessage[] = [];
  const forgotten: number[] = [];
  return {
    questions,
    sent,
    forgotten,
    call(isReachable = true) {
      const signal = new Abort();
      const asker: Asker = {
        signal,
        openQuestions: 0,
        sendQuestion(message) {
          return isReachable ? sent.push(JSON.parse(message)) : null;
        },
        forgetQuestion: (event) => void forgotten.push(event),
        sendNotice: (message) => void sent.push(JSON.parse(message)),
      };
      return { asker, signal };
    },
    async counted(kind: string, result: string) {
      return sampleValue(textOf(await families.page()), 'mcpstead_client_requests_total', { kind, result });
    },
  };
}

/** Records how a question ends. */
function outcome() {
  const seen: { resolved?: QuestionAnswer; rejected?: unknown } = {};
  return {
    seen,
    resolve(answer: QuestionAnswer) {
      seen.resolved = answer;
    },
    reject(reason: unknown) {
      seen.rejected = reason;
    },
  };
}

const roots = (signal = new Abort()): Question => ({ method: 'roots/list', paramsText: '{"a":1}', signal });
const answered = { kind: 'result', text: '{"roots":[]}' } as const;

describe('a question', () => {
  test('is sent under an id of the session, and resolves to the answer with that id', async () => {
    const { questions, sent, forgotten, call, counted } = questionsOf();
    const first = outcome();
    const second = outcome();
    questions.ask(roots(), call().asker, first);
    questions.ask(roots(), call().asker, second);
    expect(sent).toMatchObject([
      { jsonrpc: '2.0', id: 1, method: 'roots/list', params: { a: 1 } },
      { jsonrpc: '2.0', id: 2, method: 'roots/list', params: { a: 1 } },
    ]);
    expect(questions.answer(2, answered, 'answered')).toBe(true);
    expect([first.seen, second.seen]).toEqual([{}, { resolved: answered }]);
    expect([await counted('roots', 'answered'), forgotten]).toEqual([1, [2]]);
  });

  test('is answered by its id as decimal text, once, and by no other id', () => {
    const { questions, call } = questionsOf();
    const asked = outcome();
    questions.ask(roots(), call().asker, asked);
    for (const id of [null, 0, 2, 'a', '', '1.0', 1.5])
      expect(questions.answer(id, answered, 'answered')).toBe(false);
    expect(asked.seen).toEqual({});
    expect(questions.answer('1', answered, 'answered')).toBe(true);
    expect(questions.answer('1', answered, 'answered')).toBe(false);
    expect(asked.seen).toEqual({ resolved: answered });
  });

  test.each(['question', 'call'] as const)('is withdrawn when the %s is aborted', async (which) => {
    const { questions, sent, call, counted } = questionsOf();
    const { asker, signal } = call();
    const wanted = new Abort();
    const asked = outcome();
    questions.ask(roots(wanted), asker, asked);
    (which === 'call' ? signal : wanted).abort('enough');
    expect(asked.seen).toEqual({ rejected: 'enough' });
    expect(sent[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(questions.answer(1, answered, 'answered')).toBe(false);
    expect([asker.openQuestions, await counted('roots', 'expired')]).toEqual([0, 1]);
  });

  test('is withdrawn with all others of its call when the call ends', () => {
    const { questions, sent, call } = questionsOf();
    const ending = call();
    const other = call();
    const outcomes = [outcome(), outcome(), outcome()] as const;
    questions.ask(roots(), ending.asker, outcomes[0]);
    questions.ask(roots(), other.asker, outcomes[1]);
    questions.ask(roots(), ending.asker, outcomes[2]);
    questions.endCall(ending.asker);
    expect(outcomes.map(({ seen }) => seen.rejected instanceof Error)).toEqual([true, false, true]);
    expect(sent.slice(3).map(({ params }) => params.requestId)).toEqual([1, 3]);
    expect(questions.answer(2, answered, 'answered')).toBe(true);
  });

  test('is not sent if it or its call is aborted already', () => {
    const { questions, sent, call } = questionsOf();
    const { asker, signal } = call();
    signal.abort('gone');
    const asked = outcome();
    questions.ask(roots(), asker, asked);
    expect([asked.seen, sent]).toEqual([{ rejected: 'gone' }, []]);
  });

  test('is refused at once if the client cannot be reached', async () => {
    const { questions, call, counted } = questionsOf();
    const asked = outcome();
    questions.ask(roots(), call(false).asker, asked);
    expect(asked.seen.resolved?.text).toBe('{"code":-32601,"message":"the client is disconnected"}');
    expect(await counted('roots', 'refused')).toBe(1);
  });

  test('is refused at once when all are closed, whether it is open or new', () => {
    const { questions, call } = questionsOf();
    const { asker } = call();
    const [open, late] = [outcome(), outcome()];
    questions.ask(roots(), asker, open);
    questions.close('the gateway is shutting down');
    questions.ask(roots(), asker, late);
    const refusal = {
      kind: 'error',
      text: '{"code":-32601,"message":"the gateway is shutting down"}',
    } as const;
    expect([open.seen, late.seen]).toEqual([{ resolved: refusal }, { resolved: refusal }]);
  });

  test('is refused beyond 100 of a call, and 1,000 of a session', () => {
    const { questions, call } = questionsOf();
    const refused: number[] = [];
    for (let calls = 0; calls < 11; calls++) {
      const { asker } = call();
      for (let asked = 0; asked < 101; asked++) {
        const one = outcome();
        questions.ask(roots(), asker, one);
        if (one.seen.resolved) refused[calls] = (refused[calls] ?? 0) + 1;
      }
    }
    expect(refused).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 101]);
    questions.answer(1, answered, 'answered');
    const fits = outcome();
    questions.ask(roots(), call().asker, fits);
    expect(fits.seen).toEqual({});
  });
});
