import { ObjectText } from '../json/object.ts';
import { declaredObject } from './capabilities.ts';
import { type QuestionMethod, questions } from './questions.ts';

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
  const { capability } = questions[method];
  const declared = declaredObject(capabilities, capability);
  if (declared === undefined) return capability;
  switch (method) {
    case 'roots/list':
      return null;
    case 'sampling/createMessage':
      return missingForSampling(declared, paramsText);
    case 'elicitation/create':
      return missingForElicitation(declared, paramsText);
  }
}

function missingForSampling(sampling: ObjectText, paramsText: string): string | null {
  if (declaredObject(sampling, 'tools')) return null;
  const params = new ObjectText(paramsText);
  const usesTools = params.member('tools') !== undefined || params.member('toolChoice') !== undefined;
  return usesTools ? 'sampling.tools' : null;
}

/** An empty object declares form mode, for clients that know no other. */
function missingForElicitation(elicitation: ObjectText, paramsText: string): string | null {
  const mode = new ObjectText(paramsText).string('mode') ?? 'form';
  const url = declaredObject(elicitation, 'url');
  const form = declaredObject(elicitation, 'form');
  const takes = mode === 'url' ? url : mode === 'form' && (form ?? !url);
  return takes ? null : `elicitation.${mode.slice(0, maxModeChars)}`;
}
