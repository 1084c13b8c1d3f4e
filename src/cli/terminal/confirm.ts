import { askText } from './ask.ts';

/**
 * Asks a question that is answered with yes, which is the default, or no. Resolves to true without asking if `isAssumed`.
 * Rejects with `usage` if there is no terminal to ask on.
 */
export async function confirm(question: string, isAssumed: boolean): Promise<boolean> {
  if (isAssumed) return true;
  const advice = 'pass --yes to go on without a question';
  for (;;) {
    const answer = (await askText(`${question} [Y/n]`, advice)).toLowerCase();
    if (['', 'y', 'yes'].includes(answer)) return true;
    if (['n', 'no'].includes(answer)) return false;
  }
}
