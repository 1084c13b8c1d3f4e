import { ObjectText } from '../../src/json/object.ts';
import type { Caller } from '../../src/protocol/caller.ts';
import { sessionlessCaller } from '../../src/protocol/caller.ts';
import { parseMessage, type ResponseMessage } from '../../src/protocol/messages.ts';
import type { Question, QuestionAnswer } from '../../src/protocol/questions.ts';
import { Abort, type Signal } from '../../src/runtime/abort.ts';
import type { Completion } from '../../src/runtime/completion.ts';
import { textOf } from '../../src/runtime/owned-bytes.ts';
import type { UpstreamFailure } from '../../src/upstream/failure.ts';
import { LegacySession } from '../../src/upstream/legacy/session.ts';
import type { SessionClient } from '../../src/upstream/session.ts';
import type { RequestCompletion, Transport } from '../../src/upstream/transport/transport.ts';

/** A session whose transport a test plays, and what it sent. */
export function playedSession(client: SessionClient | null = null) {
  const requests: { id: number; body: string; done: RequestCompletion; signal: Signal }[] = [];
  const notices: string[] = [];
  const oddities: string[] = [];
  const dropped: string[] = [];
  const refused: string[] = [];
  /** The number of requests sent at each sign of life. */
  const seen: number[] = [];
  const transport: Transport = {
    name: 'played',
    hasRequestStreams: false,
    open: async () => {},
    request(id, body, signal, done) {
      requests.push({ id, body, done, signal });
    },
    send: async (body) => void notices.push(body),
    initialized() {},
    close: async () => {},
  };
  const session = new LegacySession(() => transport, {
    instance: 'this',
    quote: (text) => text,
    client,
    wantsChanges: true,
    onResourceUpdated() {},
    onTaskStatus() {},
    onQuestionRefused: (method) => void refused.push(method),
    onItemsChanged() {},
    onLogDropped: () => void dropped.push('log'),
    onItemFaults() {},
    onOddity: (what) => void oddities.push(what),
    onClosed() {},
    onSuspect() {},
    onSeen: () => void seen.push(requests.length),
  });
  /** Calls, and tells what comes of it. */
  const call = (
    abort = new Abort(),
    timeoutMs = 60_000,
    paramsText = '{"name":"a"}',
    caller: Caller | null = sessionlessCaller('none', ''),
  ) => {
    const told: (string | ResponseMessage)[] = [];
    const done = {
      resolve: (answer: ResponseMessage) => void told.push(textOf(answer.payload)),
      reject: (reason: unknown) => void told.push((reason as UpstreamFailure).kind),
    };
    const notified: string[] = [];
    const notifiedMethods: string[] = [];
    const notify = (method: string, paramsText = '{}') => {
      notifiedMethods.push(method);
      notified.push(paramsText);
      return undefined;
    };
    const asked: { question: Question; done: Completion<QuestionAnswer> }[] = [];
    const exchange = {
      methodText: '"tools/call"',
      params: new ObjectText(paramsText),
      meta: new ObjectText(paramsText).object('_meta'),
      signal: abort,
      notify,
      ask: (question: Question, done: Completion<QuestionAnswer>) => void asked.push({ question, done }),
      caller,
    };
    session.call(exchange, null, timeoutMs, done);
    return { told, abort, notified, notifiedMethods, asked };
  };
  const answer = (at: number, outcome: string) => {
    const { id, done } = requests[at] as (typeof requests)[number];
    const text = `{"jsonrpc":"2.0","id":${id},${outcome}}`;
    done.resolve(parseMessage(text) as ResponseMessage);
  };
  /** Takes a message of the upstream, on the stream of a request or a shared one. */
  const receive = (message: object, requestId: number | null = null) =>
    void session.onMessage(parseMessage(JSON.stringify({ jsonrpc: '2.0', ...message })), requestId);
  /** Initializes it with an upstream of these capabilities. */
  const open = async (capabilities = '{}') => {
    const opened = session.open(new Abort());
    await Bun.sleep(0);
    answer(requests.length - 1, `"result":{"protocolVersion":"2025-11-25","capabilities":${capabilities}}`);
    await opened;
  };
  return { session, call, answer, receive, open, requests, notices, oddities, dropped, refused, seen };
}
