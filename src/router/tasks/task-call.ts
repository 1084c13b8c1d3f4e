import { ObjectText } from '../../json/object.ts';
import type { Caller } from '../../protocol/caller.ts';
import type { Exchange } from '../../protocol/exchange.ts';
import type { Question, QuestionAnswer } from '../../protocol/questions.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import type { UpstreamCall } from '../../upstream/pending-request.ts';
import { type IdMap, mayHaveRelatedId, withRelatedId } from './task-texts.ts';

/** The ids of tasks on either side of the gateway. */
export interface TaskIdMaps {
  /** From an upstream's id to that for the client. */
  readonly toClient: IdMap;
  /** From a client's id to that of the upstream. */
  readonly toUpstream: IdMap;
}

/** A client's request that belongs to a task: messages that come before its answer name the task as their reader knows it. */
export class TaskCall implements UpstreamCall {
  readonly methodText: string;
  readonly params: ObjectText | undefined;
  readonly meta: ObjectText | undefined;
  readonly signal: Signal;
  readonly caller: Caller;
  readonly makesTask: boolean;
  readonly #exchange: Exchange;
  readonly #maps: TaskIdMaps;

  /** @param params in place of those of the request */
  constructor(exchange: Exchange, maps: TaskIdMaps, params = exchange.params, makesTask = false) {
    const { methodText, meta, signal, caller } = exchange;
    this.methodText = methodText;
    this.params = params;
    this.meta = meta;
    this.signal = signal;
    this.caller = caller;
    this.makesTask = makesTask;
    this.#exchange = exchange;
    this.#maps = maps;
  }

  notify(method: string, paramsText?: string): Promise<void> | undefined {
    return this.#exchange.notify(method, paramsText && mapped(paramsText, this.#maps.toClient));
  }

  ask(question: Question, done: Completion<QuestionAnswer>): void {
    const { method, signal } = question;
    const paramsText = mapped(question.paramsText, this.#maps.toClient);
    this.#exchange.ask(
      { method, paramsText, signal },
      {
        resolve: (answer) => done.resolve({ ...answer, text: mapped(answer.text, this.#maps.toUpstream) }),
        reject: (reason) => done.reject(reason),
      },
    );
  }
}

function mapped(text: string, map: IdMap): string {
  return mayHaveRelatedId(text) ? withRelatedId(new ObjectText(text), map) : text;
}
