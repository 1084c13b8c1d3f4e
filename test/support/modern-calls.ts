import { ModernCall, type ModernCallParts } from '../../src/downstream/modern/modern-call.ts';
import { Rounds } from '../../src/downstream/modern/rounds.ts';
import type { Reply } from '../../src/downstream/reply.ts';
import type { Caller } from '../../src/protocol/caller.ts';
import type { Exchange } from '../../src/protocol/exchange.ts';
import { parseMessage, type RequestMessage } from '../../src/protocol/messages.ts';
import type { QuestionAnswer, QuestionMethod } from '../../src/protocol/questions.ts';
import { Abort } from '../../src/runtime/abort.ts';
import { Deadlines } from '../../src/runtime/deadlines.ts';
import { Seal } from '../../src/state/seal.ts';
import { FakeClock } from './fake-clock.ts';
import type { RpcMessage } from './rpc.ts';

/** What a client does in one request. */
interface ModernRequest {
  readonly method?: string;
  readonly params?: Record<string, unknown> | undefined;
  readonly inputResponses?: unknown;
  readonly requestState?: unknown;
  readonly caller?: Partial<Caller>;
}

/** A request of a client, with what it has got so far. */
interface SentCall {
  readonly call: ModernCall;
  readonly sent: RpcMessage[];
  /** The answer, as soon as there is one. */
  readonly answer: RpcMessage | undefined;
}

const allCapabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const epochMs = 1_800_000_000_000;

/** The modern edge of a gateway with its clock, clients without sockets, and a test in place of the router. */
export function modernCalls(handle: (exchange: Exchange) => void, key = new Uint8Array(32)) {
  const clock = new FakeClock();
  const counted: string[] = [];
  let parked = 0;
  const metrics = {
    request: () => {},
    parkedChanged: (by: number) => {
      parked += by;
    },
    questionEnded: (kind: string, result: string) => void counted.push(`${kind} ${result}`),
  };
  const rounds = new Rounds({
    seal: new Seal(key),
    metrics: metrics as unknown as ConstructorParameters<typeof Rounds>[0]['metrics'],
    serverOf: () => 'files',
    logger: console as unknown as ConstructorParameters<typeof Rounds>[0]['logger'],
    deadlines: new Deadlines(clock),
    nowMs: () => epochMs + clock.nowMs(),
  });
  const parts = {
    router: { handle, serverOf: () => 'files' },
    metrics,
    logger: { error: (...all: unknown[]) => console.error(...all) },
    log: { isDebug: false },
    rounds,
    cacheHints: () => null,
    hasNegotiated: () => true,
  } as unknown as ModernCallParts;
  let lastId = 0;

  function request({ method = 'tools/call', params, caller, ...retry }: ModernRequest = {}): SentCall {
    const sent: RpcMessage[] = [];
    const reply = {
      notify: (message: string) => void sent.push(JSON.parse(message)),
      answer: (content: string | string[]) => void sent.push(JSON.parse([content].flat().join(''))),
    } as unknown as Reply;
    const all = { name: 'files__read', arguments: { path: '/a' }, ...params };
    const text = JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params: all });
    const texts = {
      inputResponses: JSON.stringify(retry.inputResponses),
      requestState: JSON.stringify(retry.requestState),
    };
    const isRetry = texts.inputResponses !== undefined || texts.requestState !== undefined;
    const client = { ...defaultCaller, ...caller };
    const call = new ModernCall(
      parts,
      parseMessage(text) as RequestMessage,
      client,
      reply,
      isRetry ? texts : null,
    );
    call.start();
    return {
      call,
      sent,
      get answer() {
        return sent.find((message) => 'id' in message);
      },
    };
  }

  return { clock, counted, rounds, request, parked: () => parked };
}

export const defaultCaller: Caller = {
  principal: 'none',
  era: 'modern',
  sessionId: null,
  clientInfo: '{}',
  capabilities: JSON.stringify(allCapabilities),
  view: '',
  logLevel: 'debug',
  channel: null,
};

/** Asks the client of an exchange; `answer` is set once there is one, `error` if there will be none. */
export function askOf(
  exchange: Exchange,
  method: QuestionMethod = 'elicitation/create',
  params: object = form,
) {
  const signal = new Abort();
  const asked: { signal: Abort; answer: QuestionAnswer | null; error: unknown } = {
    signal,
    answer: null,
    error: null,
  };
  exchange.ask(
    { method, paramsText: JSON.stringify(params), signal },
    {
      resolve: (answer) => {
        asked.answer = answer;
      },
      reject: (error) => {
        asked.error = error;
      },
    },
  );
  return asked;
}

export const form = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
