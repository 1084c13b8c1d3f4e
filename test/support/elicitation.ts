import { askModern } from './modern-rpc.ts';
import { messagesOf, RawSession, type RpcMessage, rawPost } from './rpc.ts';

/** How a client's call ended for the client. */
export type CallEnd =
  | { readonly kind: 'result'; readonly text: string }
  | {
      readonly kind: 'error';
      readonly code: number;
      readonly message: string;
      readonly data: { readonly server?: string; readonly reason?: string } | undefined;
    }
  /** The connection ended before the answer. */
  | { readonly kind: 'broken'; readonly why?: string }
  /** The answer to a client of the modern era is a further question, which {@link Elicitation.answer} answers. */
  | { readonly kind: 'asked' };

/** One call of `test_ask` by a client without an SDK, step by step: the test decides when each message goes out. */
export interface Elicitation {
  /** Resolves when the client has its question; rejects if the call ends before. */
  readonly asked: Promise<void>;
  /** Resolves when the client knows how its call ended, and will send nothing more of its own. */
  readonly end: Promise<CallEnd>;
  /** Sends the answer to the latest question. May be called again: a client of the modern era repeats its retry. */
  answer(): Promise<CallEnd>;
  /** Breaks the connection of the call. */
  cut(): void;
}

/** A client, and how to begin calls. */
export interface AskedPeer extends AsyncDisposable {
  begin(options: AskOptions): Elicitation;
  /** Cancels its latest call; does nothing in the modern era, in which that is {@link Elicitation.cut}. */
  cancelLast(): Promise<void>;
  /** Ends its session; does nothing in the modern era. */
  leave(): Promise<void>;
}

/** What the tool `test_ask` takes: how long it works before its question, and after the answer. */
interface AskArguments {
  readonly beforeMs?: number;
  readonly afterMs?: number;
}

/** A call of it by a user whose favourite color is that. */
interface AskOptions extends AskArguments {
  readonly color?: string;
}

const accepted = (response = 'blue') => ({ action: 'accept', content: { response } });
const capabilities = { elicitation: { form: {} } };
const paramsOf = (tool: string, args: AskArguments) => ({
  name: tool,
  arguments: { message: 'color', ...args },
});

function endOf({ result, error }: RpcMessage): CallEnd {
  if (error) return { kind: 'error', code: error.code, message: error.message, data: error.data };
  return { kind: 'result', text: String(result?.content?.[0]?.text) };
}

/** A question that may never be asked; nobody need wait for it. */
function questionAwaited() {
  const asked = Promise.withResolvers<void>();
  asked.promise.catch(() => {});
  return asked;
}

/** Opens a session of the legacy era. */
export async function legacyPeer(url: string, tool: string): Promise<AskedPeer> {
  const session = await RawSession.open(url, { capabilities });
  const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': '2025-11-25' };
  let lastId = 0;
  return {
    begin({ color, ...args }) {
      const given = accepted(color);
      const abort = new AbortController();
      const asked = questionAwaited();
      let questionId: unknown;
      const id = ++lastId;
      const run = async (): Promise<CallEnd> => {
        const body = { jsonrpc: '2.0', id, method: 'tools/call', params: paramsOf(tool, args) };
        for await (const message of messagesOf(await rawPost(url, body, headers, abort.signal))) {
          if (message.method === 'elicitation/create') {
            questionId = message.id;
            asked.resolve();
          } else if (message.method === undefined) return endOf(message);
        }
        return { kind: 'broken' };
      };
      const end = run().catch((error): CallEnd => ({ kind: 'broken', why: String(error) }));
      void end.then(() => asked.reject(new Error('the call is over')));
      return {
        asked: asked.promise,
        end,
        async answer() {
          await rawPost(url, { jsonrpc: '2.0', id: questionId, result: given }, headers).catch(() => {});
          return end;
        },
        cut: () => abort.abort(),
      };
    },
    async cancelLast() {
      await session.post({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: lastId },
      });
    },
    leave: () => session[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** A client of revision 2026-07-28. */
export async function modernPeer(url: string, tool: string): Promise<AskedPeer> {
  return {
    begin({ color, ...args }) {
      const given = accepted(color);
      let abort = new AbortController();
      const asked = questionAwaited();
      const ended = Promise.withResolvers<CallEnd>();
      let state: { requestState?: string; inputResponses: Record<string, object> } | null = null;
      const send = async (retry: object): Promise<CallEnd | null> => {
        const _meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities };
        const params = { ...paramsOf(tool, args), ...retry, _meta };
        abort = new AbortController();
        try {
          const { answer } = await askModern(url, 'tools/call', { params, signal: abort.signal });
          if (answer.result?.resultType !== 'input_required')
            return answer.jsonrpc ? endOf(answer) : { kind: 'broken' };
          const { requestState, inputRequests } = answer.result;
          const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, given]));
          state = { ...(requestState !== undefined && { requestState }), inputResponses };
          return null;
        } catch (error) {
          return { kind: 'broken', why: String(error) };
        }
      };
      void send({}).then((end) => {
        if (end === null) asked.resolve();
        else {
          ended.resolve(end);
          asked.reject(new Error('the call is over'));
        }
      });
      return {
        asked: asked.promise,
        end: ended.promise,
        async answer() {
          const end = await send(state ?? {});
          if (end === null) return { kind: 'asked' };
          ended.resolve(end);
          return end;
        },
        cut: () => abort.abort(),
      };
    },
    cancelLast: async () => {},
    leave: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
