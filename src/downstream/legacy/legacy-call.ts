import { CallFailure, GatewayError } from '../../errors.ts';
import type { ObjectText } from '../../json/object.ts';
import type { Caller } from '../../protocol/caller.ts';
import { missingCapability } from '../../protocol/client-capabilities.ts';
import type { Answer } from '../../protocol/exchange.ts';
import type { RequestMessage } from '../../protocol/messages.ts';
import {
  inputRequired,
  mayAskOn,
  type Question,
  type QuestionAnswer,
  questions,
  refusedQuestion,
} from '../../protocol/questions.ts';
import { isSeverity, severities } from '../../protocol/severity.ts';
import type { Completion } from '../../runtime/completion.ts';
import { freePayload, type Payload, textOf } from '../../runtime/owned-bytes.ts';
import { Call, type CallParts } from '../call.ts';
import { isWantedLog, logNotification } from '../log-filter.ts';
import type { Reply } from '../reply.ts';
import { withElicitationId } from './elicitation-id.ts';
import { InputRounds } from './input-rounds.ts';
import type { Asker } from './open-questions.ts';
import type { Session } from './session.ts';

/** Longer params of a question are refused. */
const maxQuestionChars = 4 * 1024 * 1024;

/** A request of the legacy era, within a session or not. */
export class LegacyCall extends Call implements Asker {
  openQuestions = 0;
  /** Set once the server has asked for input. */
  #rounds: InputRounds | null = null;
  /** The params with the client's input, if the server has asked for some. */
  #repeatedParams: ObjectText | null = null;
  /** Undefined for a request outside a session. */
  readonly #session: Session | undefined;

  constructor(
    parts: CallParts,
    message: RequestMessage,
    caller: Caller,
    session: Session | undefined,
    reply: Reply,
  ) {
    super(parts, message, caller, reply);
    this.#session = session;
  }

  override start(): void {
    this.#session?.addCall(this);
    if (this.method === 'logging/setLevel') this.#setLogLevel();
    else super.start();
  }

  override get params(): ObjectText | undefined {
    return this.#repeatedParams ?? this.message.params;
  }

  get server(): string {
    return this.parts.router.serverOf(this);
  }

  /** Log messages that the client does not want stay here. */
  override notify(method: string, paramsText?: string): Promise<void> | undefined {
    const { logLevel } = this.caller;
    if (logLevel !== null && method === logNotification && !isWantedLog(paramsText, logLevel))
      return undefined;
    return super.notify(method, paramsText);
  }

  override answer(answer: Answer): void {
    if (answer.kind === 'error' || answer.resultType === undefined) super.answer(answer);
    else this.#answerIncomplete(answer.payload, answer.resultType);
  }

  /** A result of the modern era that does not complete the request, which no client of the legacy era knows. */
  #answerIncomplete(payload: Payload, resultType: string): void {
    const text = textOf(payload);
    freePayload(payload);
    const isQuestion = resultType === inputRequired;
    if (isQuestion && mayAskOn(this.method)) {
      this.#rounds ??= new InputRounds(this);
      void this.#rounds.serve(text);
      return;
    }
    const { server } = this;
    const fault = isQuestion
      ? 'asked for input, which the protocol does not allow on this method'
      : `answers with a result of the type ${JSON.stringify(resultType.slice(0, 40))}, which the client does not know`;
    const what = `upstream "${server}": it ${fault}`;
    this.fail(new CallFailure(server, 'upstream_protocol_error', what));
  }

  repeat(params: ObjectText): void {
    this.#repeatedParams = params;
    try {
      this.parts.router.handle(this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** MCP 2025-11-25, Logging, Setting Log Level. */
  #setLogLevel(): void {
    const level = this.params?.string('level');
    if (!isSeverity(level)) {
      const expected = `"level" must be one of ${severities.join(', ')}`;
      this.fail(new GatewayError('invalid_params', `${this.method}: ${expected}`));
      return;
    }
    this.#session?.setLogLevel(level);
    this.answer({ kind: 'result', payload: '{}' });
  }

  /** MCP 2025-11-25, Transports, Sending Messages to the Server: on the stream of the request that the question belongs to. */
  ask(question: Question, done: Completion<QuestionAnswer>): void {
    if (this.isOver) {
      done.reject(new Error('the request that caused the question has ended'));
      return;
    }
    const why = this.#whyUnaskable(question);
    if (why === null) {
      this.#session?.questions.ask(withElicitationId(question), this, done);
      return;
    }
    this.parts.metrics.questionEnded(questions[question.method].capability, 'refused');
    done.resolve(refusedQuestion(question.method, why));
  }

  /** Why the client cannot be asked, for the server's developer; null if it can be. */
  #whyUnaskable({ method, paramsText }: Question): string | null {
    if (this.#session === undefined) return 'the client has no session, so it cannot be asked';
    if (!this.reply.takesMessages)
      return 'the client accepts no text/event-stream for this request, so it cannot be asked';
    if (paramsText.length > maxQuestionChars)
      return `the params have ${paramsText.length} characters; at most ${maxQuestionChars} are passed on`;
    const missing = missingCapability(this.caller.capabilities, method, paramsText);
    return missing === null ? null : `the client did not declare the capability "${missing}"`;
  }

  sendQuestion(message: string): number | null {
    return this.reply.ask(message);
  }

  forgetQuestion(event: number): void {
    this.reply.forget(event);
  }

  sendNotice(message: string): void {
    void this.reply.notify(message);
  }

  /** Cancels the call, because nobody waits for the answer. */
  onReplyGone(): void {
    this.cancel();
  }

  protected override onOver(nowMs: number): void {
    if (this.openQuestions > 0) this.#session?.questions.endCall(this);
    this.#session?.removeCall(this, nowMs);
  }
}
