import { askText } from './ask.ts';

/**
 * Asks a question that is answered with yes, which is the default, or no. Resolves to true without asking if `isAssumed`,
 * and to false at the end of the input.
 * Rejects with `usage` if there is no terminal to ask on.
 */
export async function confirm(question: string, isAssumed: boolean): Promise<boolean> {
  if (isAssumed) return true;
  const advice = 'pass --yes to go on without a question';
  for (;;) {
    const answer = (await askText(`${question} [Y/n]`, advice))?.toLowerCase();
    if (answer === undefined) return false;
    if (['', 'y', 'yes'].includes(answer)) return true;
    if (['n', 'no'].includes(answer)) return false;
  }
}
