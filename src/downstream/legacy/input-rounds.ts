import { CallFailure, cancelledText } from '../../errors.ts';
import { type MemberEdit, Members, ObjectText } from '../../json/object.ts';
import { TooManyError } from '../../json/scan.ts';
import type { Caller } from '../../protocol/caller.ts';
import { isQuestionMethod, type Question, type QuestionAnswer, questions } from '../../protocol/questions.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { deadlines as processDeadlines, sleep } from '../../runtime/deadlines.ts';

/** How often a server may ask before it completes the request. */
const maxRounds = 10;
/** The questions of one round. */
const maxQuestions = 100;
/** The time for the client's answers of one round. */
const answerTimeoutMs = 600_000;
/** The pause before a request is sent again for which the server wants nothing but that. */
const pauseMs = 250;
/** The answer that says that the user was not asked. MCP 2025-11-25, Elicitation, Response Actions. */
const cancelAction = '{"action":"cancel"}';

/** The call whose server asks. */
interface RoundCall {
  readonly params: ObjectText | undefined;
  readonly caller: Caller;
  readonly signal: Signal;
  /** The name of the server. */
  readonly server: string;
  ask(question: Question, done: Completion<QuestionAnswer>): void;
  /** Sends the request again, with these params. */
  repeat(params: ObjectText): void;
  fail(error: unknown): void;
}

/**
 * The rounds of a call whose server answers `input_required`: the client is asked what the server wants to know, then the request
 * is sent again with the answers. MCP 2026-07-28, Multi Round-Trip Requests; for clients of the legacy era, which know server
 * requests only.
 */
export class InputRounds {
  readonly #call: RoundCall;
  /** As the client sent them. */
  readonly #params: ObjectText;
  readonly #deadlines: typeof processDeadlines;
  #rounds = 0;

  constructor(call: RoundCall, deadlines = processDeadlines) {
    this.#call = call;
    this.#deadlines = deadlines;
    this.#params = call.params ?? new ObjectText('{}');
  }

  /** Serves an answer; ends in another request or in the failure of the call. @param text of the result */
  async serve(text: string): Promise<void> {
    const call = this.#call;
    try {
      const edits = await this.#answersTo(new ObjectText(text));
      if (call.signal.aborted) throw this.#failure('cancelled', cancelledText(call.signal.reason));
      call.repeat(new ObjectText(this.#params.with(...edits)));
    } catch (error) {
      const isTooMuch = error instanceof TooManyError;
      call.fail(
        isTooMuch ? this.#failure('upstream_protocol_error', `answered with ${error.message}`) : error,
      );
    }
  }

  /** The members that the repeated request has in addition. */
  async #answersTo(result: ObjectText): Promise<MemberEdit[]> {
    const state = presentMember(result, 'requestState');
    const requests = requestsIn(result);
    if (requests === null || (requests.length === 0 && state === undefined))
      throw this.#failure('upstream_protocol_error', 'it asks for input, but not as the protocol says');
    this.#rounds++;
    if (this.#rounds > maxRounds)
      throw this.#failure('upstream_protocol_error', `it asked for input more than ${maxRounds} times`);
    const edits: MemberEdit[] = [];
    if (requests.length === 0) await sleep(pauseMs, this.#call.signal);
    else edits.push({ name: 'inputResponses', value: await this.#askAll(requests) });
    if (state !== undefined) edits.push({ name: 'requestState', value: state });
    return edits;
  }

  /** Asks the client everything at the same time. Resolves to the answers by their keys, as JSON. */
  async #askAll(requests: readonly RequiredInput[]): Promise<string> {
    const abort = new Abort();
    const deadline = this.#deadlines.add(answerTimeoutMs, () =>
      abort.abort(new Error(`the client did not answer within ${answerTimeoutMs / 1000} s`)),
    );
    try {
      const answers = requests.map(
        async (request) => `${request.keyText}:${await this.#ask(request, abort)}`,
      );
      return `{${(await Promise.all(answers)).join(',')}}`;
    } catch (error) {
      // The other questions have no use any more.
      abort.abort(error);
      throw error;
    } finally {
      deadline.clear();
    }
  }

  async #ask({ method, paramsText }: RequiredInput, signal: Abort): Promise<string> {
    const answered = Promise.withResolvers<QuestionAnswer>();
    this.#call.ask({ method, paramsText, signal }, answered);
    let problem: string;
    try {
      const { kind, text } = await answered.promise;
      if (kind === 'result') return text;
      problem = new ObjectText(text).string('message') ?? text;
    } catch (error) {
      if (this.#call.signal.aborted)
        throw this.#failure('cancelled', cancelledText(this.#call.signal.reason));
      problem = error instanceof Error ? error.message : 'the client did not answer';
    }
    // Only elicitation has an answer for it.
    if (method === 'elicitation/create') return cancelAction;
    const { capability } = questions[method];
    throw this.#failure(
      'upstream_returned_error',
      `it needs ${capability} of the client, which failed: ${problem}`,
    );
  }

  #failure(reason: CallFailure['reason'], message: string): CallFailure {
    const { server } = this.#call;
    return new CallFailure(server, reason, `upstream "${server}": ${message}`);
  }
}

/** What a server wants to know: a request without an id, under a key of the server. */
interface RequiredInput {
  readonly keyText: string;
  readonly method: Question['method'];
  readonly paramsText: string;
}

/** The input requests of a result; null if it has invalid ones, or too many. */
function requestsIn(result: ObjectText): RequiredInput[] | null {
  const text = presentMember(result, 'inputRequests');
  const requests: RequiredInput[] = [];
  if (text === undefined) return requests;
  if (!text.startsWith('{')) return null;
  const member = new Members(text);
  while (member.next()) {
    const request = member.value();
    if (typeof request === 'string' || requests.length === maxQuestions) return null;
    const method = request.string('method');
    if (method === undefined || !isQuestionMethod(method) || !request.isObjectOrAbsent('params')) return null;
    const keyText = JSON.stringify(member.key());
    requests.push({ keyText, method, paramsText: request.member('params') ?? '{}' });
  }
  return requests;
}

/** The text of a member, undefined if it is absent or null: many serializers write absent members that way. */
function presentMember(object: ObjectText, name: string): string | undefined {
  return object.isText(name, 'null') ? undefined : object.member(name);
}
