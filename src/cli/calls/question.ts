import { isRecord, type Mapping } from '../../config/values.ts';
import { askText, canAsk } from '../terminal/ask.ts';
import { safeLine } from '../terminal/safe-text.ts';
import { argumentsOf } from './call-arguments.ts';
import type { ServerQuestion } from './mcp-client.ts';

/** The terminal on which a person answers. */
interface Interviewer {
  readonly canAsk: boolean;
  /** Resolves to null at the end of the input. */
  ask(question: string): Promise<string | null>;
  say(text: string): void;
}

/** The terminal of this process. */
export function terminalAsker(say: (text: string) => void): Interviewer {
  return {
    get canAsk() {
      return canAsk();
    },
    ask: (question) => askText(question, 'the tool asks something'),
    say,
  };
}

/** Repeated for a wrong answer. */
const maxTries = 5;

/**
 * Asks the person at the terminal what a server asks, and resolves to the answer as the protocol has it. Without a terminal, it
 * declines, and says so. MCP 2025-11-25 and 2026-07-28, Elicitation.
 */
export async function answerTo({ method, params }: ServerQuestion, asker: Interviewer): Promise<unknown> {
  const message = safeLine(`${params.message ?? ''}`, 1_000);
  if (method !== 'elicitation/create') return { action: 'decline' };
  if (!asker.canAsk) {
    asker.say(`the tool asks "${message}", which is declined, because there is no terminal to ask on`);
    return { action: 'decline' };
  }
  asker.say(`the tool asks: ${message}`);
  if (params.mode === 'url') {
    asker.say(`open ${safeLine(`${params.url ?? ''}`, 2_000)}`);
    return { action: await chosen('Press Enter when that is done, or type n to decline:', asker) };
  }
  const schema = isRecord(params.requestedSchema) ? params.requestedSchema : {};
  const properties = Object.entries(isRecord(schema.properties) ? schema.properties : {});
  const action = await chosen('Answer it? [Y/n]', asker);
  if (action !== 'accept') return { action };
  const required = Array.isArray(schema.required) ? schema.required : [];
  const content: Record<string, unknown> = {};
  for (const [name, property] of properties) {
    const value = await valueFor(name, isRecord(property) ? property : {}, required.includes(name), asker);
    if (value === refused) return { action: 'cancel' };
    if (value !== undefined) content[name] = value;
  }
  return { action: 'accept', content };
}

async function chosen(question: string, asker: Interviewer): Promise<'accept' | 'decline' | 'cancel'> {
  const answer = await asker.ask(question);
  if (answer === null) return 'cancel';
  return /^(?:y|yes)?$/i.test(answer) ? 'accept' : 'decline';
}

const refused = Symbol();

/** The answer for one property; undefined: none, {@link refused}: no valid one after several tries. */
async function valueFor(
  name: string,
  property: Mapping,
  isRequired: boolean,
  asker: Interviewer,
): Promise<unknown> {
  const { title, description, default: byDefault, enum: choices } = property;
  const facts = [
    typeof description === 'string' ? safeLine(description, 200) : '',
    Array.isArray(choices) ? `one of ${safeLine(choices.join(', '), 500)}` : '',
    byDefault === undefined ? '' : `Enter for ${safeLine(JSON.stringify(byDefault), 100)}`,
    isRequired || byDefault !== undefined ? '' : 'Enter for none',
  ].filter((fact) => fact !== '');
  const label = safeLine(typeof title === 'string' ? title : name, 100);
  const question = `${label}${facts.length > 0 ? ` (${facts.join('; ')})` : ''}:`;
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const text = await asker.ask(question);
    if (text === null) return refused;
    if (text === '' && byDefault !== undefined) return byDefault;
    if (text === '' && !isRequired) return undefined;
    try {
      const schema = { properties: { [name]: property } };
      const value = argumentsOf([`${name}=${text}`], 'the question', schema)[name];
      if (Array.isArray(choices) && !choices.includes(value))
        throw new Error(`expected one of ${choices.join(', ')}`);
      if (text !== '') return value;
    } catch (error) {
      asker.say(safeLine((error as Error).message, 500));
    }
  }
  return refused;
}
