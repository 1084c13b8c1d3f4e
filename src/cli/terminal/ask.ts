import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { nodeReadline, nodeStream, nodeTty } from '../../runtime/node-modules.ts';

/** Whether there is a person at a terminal, who can be asked. */
export function canAsk(): boolean {
  return nodeTty().isatty(0) && nodeTty().isatty(2);
}

/**
 * Asks for a line on the terminal. Resolves to it without white space around it; to an empty text at the end of the input.
 * Rejects with `usage` if there is no terminal. @param advice what to do without one
 */
export function askText(question: string, advice: string): Promise<string> {
  return ask(question, advice, true);
}

/** Like {@link askText}, but does not show what is typed. */
export function askSecret(question: string, advice: string): Promise<string> {
  return ask(question, advice, false);
}

async function ask(question: string, advice: string, isEchoed: boolean): Promise<string> {
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
    const closed = Promise.withResolvers<string>();
    lines.once('close', () => closed.resolve(''));
    // Ctrl-C reaches readline in place of the process.
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    if (!isEchoed) process.stderr.write(`${question} `);
    return (await Promise.race([lines.question(`${question} `), closed.promise])).trim();
  } finally {
    lines.close();
    if (!isEchoed) process.stderr.write('\n');
  }
}
