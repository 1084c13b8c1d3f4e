import type { MemberEdit } from '../../json/object.ts';
import { declaredObject } from '../../protocol/capabilities.ts';
import { errorCodes } from '../../protocol/error-codes.ts';
import { tasksExtension } from '../../protocol/extensions.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import type { Completion } from '../../runtime/completion.ts';
import { settledOrAborted } from '../../runtime/deadlines.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { cancelled, UpstreamFailure } from '../failure.ts';
import type { UpstreamCall } from '../pending-request.ts';
import { completeText, readOrFail } from './result.ts';
import { cancelTask } from './task-requests.ts';
import { TaskRun } from './task-run.ts';

const { headerMismatch, unsupportedVersion } = errorCodes;
const toolCall = '"tools/call"';
/** The type of a result that names a task. MCP extension `io.modelcontextprotocol/tasks`. */
const taskType = 'task';

/** The session of calls. */
export interface StatelessCallOwner {
  /** Whether its requests have headers. */
  readonly hasHeaders: boolean;
  start(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void;
  /** Lists the tools again. Rejects if that fails. */
  relistTools(timeoutMs: number): Promise<void>;
  /** Waits for a task before the session closes. */
  keep(run: Promise<void>): void;
}

/** A client's call of a modern server, whose result is rid of what belongs to the hop, or keeps it for the next one to set. */
export class StatelessCall implements Completion<ResponseMessage> {
  readonly #owner: StatelessCallOwner;
  readonly #call: UpstreamCall;
  readonly #target: MemberEdit | null;
  readonly #done: Completion<ResponseMessage>;
  readonly #timeoutMs: number;
  readonly #startMs = performance.now();
  #isSecond = false;

  constructor(
    owner: StatelessCallOwner,
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ) {
    this.#owner = owner;
    this.#call = call;
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#done = done;
  }

  start(): void {
    this.#owner.start(this.#call, this.#target, this.#timeoutMs, this);
  }

  resolve(answer: ResponseMessage): void {
    const { methodText, caller } = this.#call;
    if (answer.error) {
      const isStale = answer.error.code === headerMismatch && methodText === toolCall;
      if (isStale && this.#owner.hasHeaders && !this.#isSecond) void this.#repeat(answer);
      else this.#refused(answer, answer.error.code);
      return;
    }
    const result = this.#isKept(answer) ? answer : readOrFail(answer, methodText, this.#done);
    if (result === null) return;
    if (result.resultType === taskType && caller?.era === 'legacy') {
      this.#owner.keep(new TaskRun(this.#owner, this.#call, this.#leftMs, this.#done).follow(result));
      return;
    }
    if (result.resultType === taskType) this.#cancelUnwanted(answer);
    this.#done.resolve(result);
  }

  reject(reason: unknown): void {
    this.#done.reject(reason);
  }

  /** The edge of a client that has not declared the extension refuses the answer, and the client never hears of the task. */
  #cancelUnwanted({ result }: ResponseMessage): void {
    const { caller } = this.#call;
    if (caller === null || declaredObject(caller.capabilities, 'extensions', tasksExtension)) return;
    const taskId = result?.string('taskId');
    // The parser blanks one that is too long to be an id.
    if (taskId !== undefined && taskId !== '') cancelTask(this.#owner, this.#call, taskId);
  }

  /**
   * Whether a result keeps what belongs to the hop. A short and complete one of a tool goes right through to the edge of a client
   * of the modern era, which sets those members in place (docs/performance.md#kept-members).
   */
  #isKept({ result, payload }: ResponseMessage): boolean {
    const { methodText, caller } = this.#call;
    if (methodText !== toolCall || caller?.era !== 'modern' || typeof payload !== 'string') return false;
    return result?.isText('resultType', completeText) === true;
  }

  /**
   * Ends the call with an error. Those about the request's headers and revision are about this hop: a client that got them would
   * take its own for wrong.
   */
  #refused(answer: ResponseMessage, code: number): void {
    if (code !== headerMismatch && code !== unsupportedVersion) {
      this.#done.resolve(answer);
      return;
    }
    freePayload(answer.payload);
    const isOfVersion = code === unsupportedVersion;
    const what = isOfVersion ? 'the protocol revision' : 'the headers';
    const message = `refused ${what} of the gateway's request (error ${code})`;
    // A server that was replaced by an older one knows the session no more.
    this.#done.reject(new UpstreamFailure('protocol', message, isOfVersion ? 'unknown_session' : undefined));
  }

  get #leftMs(): number {
    return Math.max(1, this.#timeoutMs - (performance.now() - this.#startMs));
  }

  /** The tool's parameters have other headers by now. MCP 2026-07-28, Streamable HTTP, Client Behavior. */
  async #repeat(answer: ResponseMessage): Promise<void> {
    const { signal } = this.#call;
    this.#isSecond = true;
    let isListed = false;
    const listed = this.#owner.relistTools(this.#leftMs).then(
      () => (isListed = true),
      () => {},
    );
    await settledOrAborted(listed, signal, this.#leftMs);
    if (!isListed && !signal.aborted) {
      this.#refused(answer, headerMismatch);
      return;
    }
    freePayload(answer.payload);
    if (signal.aborted) this.#done.reject(cancelled());
    else this.#owner.start(this.#call, this.#target, this.#leftMs, this);
  }
}
