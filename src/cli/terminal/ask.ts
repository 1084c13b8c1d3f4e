import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { nodeReadline, nodeStream, nodeTty } from '../../runtime/node-modules.ts';

/** Whether there is a person at a terminal, who can be asked. */
export function canAsk(): boolean {
  return nodeTty().isatty(0) && nodeTty().isatty(2);
}

/**
 * Asks for a line on the terminal. Resolves to it without white space around it; to null at the end of the input, which is
 * no answer. Rejects with `usage` if there is no terminal. @param advice what to do without one
 */
export function askText(question: string, advice: string): Promise<string | null> {
  return ask(question, advice, true);
}

/** Like {@link askText}, but does not show what is typed. */
export function askSecret(question: string, advice: string): Promise<string | null> {
  return ask(question, advice, false);
}

async function ask(question: string, advice: string, isEchoed: boolean): Promise<string | null> {
  if (!canAsk()) throw new GatewayError('usage', `there is no terminal to ask on: ${advice}`);
  await output.flushed();
  // Typed characters are echoed by readline, not by the terminal.
  const silent = new (nodeStream().Writable)({ write: (_chunk, _encoding, done) => done() });
  const lines = nodeReadline().createInterface({
    input: process.stdin,
    output: isEchoed ? process.stderr : silent,
    terminal: true,
  });
  try {
    const closed = Promise.withResolvers<null>();
    lines.once('close', () => closed.resolve(null));
    // Ctrl-C reaches readline in place of the process.
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    if (!isEchoed) process.stderr.write(`${question} `);
    const answer = await Promise.race([lines.question(`${question} `), closed.promise]);
    if (answer === null && isEchoed) process.stderr.write('\n');
    return answer?.trim() ?? null;
  } finally {
    lines.close();
    if (!isEchoed) process.stderr.write('\n');
  }
}
