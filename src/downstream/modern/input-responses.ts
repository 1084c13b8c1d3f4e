import { GatewayError } from '../../errors.ts';
import { Members, type ObjectText } from '../../json/object.ts';
import { isObjectAt } from '../../json/scan.ts';
import type { QuestionMethod } from '../../protocol/questions.ts';
import { digestOf } from './request-state.ts';

/** Longer keys are truncated in errors. */
const maxKeyChars = 100;
const actions: readonly unknown[] = ['accept', 'decline', 'cancel'];

/** How a client has answered. */
type ResponseResult = 'answered' | 'declined';

/** What a client answers to the questions of an `input_required`, by key. MCP 2026-07-28, Multi Round-Trip Requests. */
export class InputResponses {
  /** The JSON text of all; null: there are none. */
  readonly text: string | null;
  readonly #responses = new Map<string, ObjectText>();

  /** @param text the JSON of the `inputResponses`. Throws `invalid_params` if they are malformed. */
  constructor(text: string | undefined) {
    this.text = text ?? null;
    if (text === undefined) return;
    if (!isObjectAt(text, 0)) throw malformed('must be an object');
    const member = new Members(text);
    while (member.next()) {
      const response = member.value();
      if (typeof response === 'string') throw malformed('must be an object', member.key());
      this.#responses.set(member.key(), response);
    }
  }

  get keys(): Iterable<string> {
    return this.#responses.keys();
  }

  /** The answer to a question; undefined if there is none. Throws `invalid_params` if it does not fit the question. */
  answerTo(key: string, method: QuestionMethod): ObjectText | undefined {
    const response = this.#responses.get(key);
    const problem = response && problemOf(response, method);
    if (problem) throw malformed(problem, key);
    return response;
  }

  /** What a response looks like, for questions that the gateway does not know. */
  kindOf(key: string): QuestionMethod {
    const response = this.#responses.get(key);
    if (response?.member('action') !== undefined) return 'elicitation/create';
    return response?.member('roots') === undefined ? 'sampling/createMessage' : 'roots/list';
  }

  /** Whether the client answers a question, or refuses to. */
  resultOf(key: string): ResponseResult {
    const action = this.#responses.get(key)?.string('action');
    return action === 'decline' || action === 'cancel' ? 'declined' : 'answered';
  }

  /** Equal for responses with equal texts. @param keys those that count; null: all */
  digest(keys: readonly string[] | null): string {
    if (keys === null) return digestOf(this.text ?? '');
    return digestOf(JSON.stringify(keys.map((key) => this.#responses.get(key)?.toString() ?? null)));
  }
}

/** MCP 2026-07-28, `ElicitResult`, `CreateMessageResult`, `ListRootsResult`. */
function problemOf(response: ObjectText, method: QuestionMethod): string | null {
  switch (method) {
    case 'elicitation/create':
      if (!actions.includes(response.string('action')))
        return 'needs an "action": "accept", "decline" or "cancel"';
      return response.isObjectOrAbsent('content') ? null : 'has a "content" that is not an object';
    case 'sampling/createMessage': {
      const content = response.member('content');
      if (response.string('role') === undefined || response.string('model') === undefined)
        return 'needs a "role" and a "model", which are strings';
      return content?.startsWith('{') || content?.startsWith('[')
        ? null
        : 'needs a "content" that is an object or an array';
    }
    case 'roots/list':
      return response.member('roots')?.startsWith('[') ? null : 'needs "roots", which is an array';
  }
}

function malformed(problem: string, key?: string): GatewayError {
  const where = key === undefined ? '' : `.${key.slice(0, maxKeyChars)}`;
  return new GatewayError('invalid_params', `Invalid params: inputResponses${where} ${problem}`);
}
