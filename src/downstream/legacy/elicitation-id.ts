import { ObjectText } from '../../json/object.ts';
import type { Question } from '../../protocol/questions.ts';

/**
 * The question with an `elicitationId` if it opens a URL and has none: clients of the legacy era need one, servers of the
 * modern era send none. MCP 2025-11-25, Elicitation, URL Mode.
 */
export function withElicitationId(question: Question): Question {
  if (question.method !== 'elicitation/create') return question;
  const params = new ObjectText(question.paramsText);
  if (params.string('mode') !== 'url' || params.string('elicitationId') !== undefined) return question;
  const value = JSON.stringify(crypto.randomUUID());
  const { method, signal } = question;
  return { method, signal, paramsText: params.with({ name: 'elicitationId', value }) };
}
