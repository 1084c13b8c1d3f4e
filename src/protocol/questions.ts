import type { Signal } from '../runtime/abort.ts';

/** The methods by which servers ask clients. MCP 2025-11-25, Client Features; 2026-07-28, Multi Round-Trip Requests. */
export type QuestionMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list';

/** What the protocol says of one kind of questions. */
interface QuestionRow {
  /** The capability of clients that answer it, and its name in metrics. */
  readonly capability: 'elicitation' | 'sampling' | 'roots';
  /** The code of a refusal. MCP 2025-11-25: Roots and Elicitation, Error Handling; for sampling, there is none. */
  readonly refusalCode: number;
}

export const questions: Readonly<Record<QuestionMethod, QuestionRow>> = {
  'elicitation/create': { capability: 'elicitation', refusalCode: -32602 },
  'sampling/createMessage': { capability: 'sampling', refusalCode: -32601 },
  'roots/list': { capability: 'roots', refusalCode: -32601 },
};

/** The code of an error of the legacy era that names URLs which the client has to visit first. MCP 2025-11-25, Elicitation. */
export const urlElicitationRequired = -32042;
/** The type of a result that asks the client. MCP 2026-07-28, Results. */
export const inputRequired = 'input_required';

/** The methods whose requests may be answered with questions. MCP 2026-07-28, Multi Round-Trip Requests, Supported Requests. */
const askingMethods: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** Whether a request of this method may be answered with {@link inputRequired}. */
export function mayAskOn(method: string): boolean {
  return askingMethods.has(method);
}

export function isQuestionMethod(method: string): method is QuestionMethod {
  return Object.hasOwn(questions, method);
}

/** What a server asks of the client whose request it works on. */
export interface Question {
  readonly method: QuestionMethod;
  /** The JSON text of the params. */
  readonly paramsText: string;
  /** Aborted when the server no longer wants an answer. */
  readonly signal: Signal;
}

/** The JSON text of the result or the error object with which a question is answered. */
export interface QuestionAnswer {
  readonly kind: 'result' | 'error';
  readonly text: string;
}

/** The answer to a question that cannot be asked. @param why tells it to the server's developer */
export function refusedQuestion(method: QuestionMethod, why: string): QuestionAnswer {
  return { kind: 'error', text: JSON.stringify({ code: questions[method].refusalCode, message: why }) };
}
