import { ObjectText } from '../json/object.ts';
import type { QuestionMethod } from './questions.ts';

/** Longer modes of elicitation are truncated in messages. */
const maxModeChars = 40;

/**
 * The capability that a client lacks to answer a question, such as `sampling.tools`; null if it lacks none. MCP 2025-11-25,
 * Elicitation and Sampling, Capabilities; the same in 2026-07-28.
 * @param capabilities the client's, as a JSON text
 * @param paramsText of the question
 */
export function missingCapability(
  capabilities: string,
  method: QuestionMethod,
  paramsText: string,
): string | null {
  const declared = declaredIn(capabilities);
  switch (method) {
    case 'roots/list':
      return declared.object('roots') ? null : 'roots';
    case 'sampling/createMessage':
      return missingForSampling(declared.object('sampling'), paramsText);
    case 'elicitation/create':
      return missingForElicitation(declared.object('elicitation'), paramsText);
  }
}

/** A client that declares more than is read declares nothing. */
function declaredIn(capabilities: string): ObjectText {
  try {
    return new ObjectText(capabilities);
  } catch {
    return new ObjectText('{}');
  }
}

function missingForSampling(sampling: ObjectText | undefined, paramsText: string): string | null {
  if (sampling === undefined) return 'sampling';
  if (sampling.object('tools')) return null;
  const params = new ObjectText(paramsText);
  const usesTools = params.member('tools') !== undefined || params.member('toolChoice') !== undefined;
  return usesTools ? 'sampling.tools' : null;
}

/** An empty object declares form mode, for clients that know no other. */
function missingForElicitation(elicitation: ObjectText | undefined, paramsText: string): string | null {
  if (elicitation === undefined) return 'elicitation';
  const mode = new ObjectText(paramsText).string('mode') ?? 'form';
  const { url, form } = { url: elicitation.object('url'), form: elicitation.object('form') };
  const takes = mode === 'url' ? url : mode === 'form' && (form ?? !url);
  return takes ? null : `elicitation.${mode.slice(0, maxModeChars)}`;
}
