import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import { binaryFolder } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { commands } from '../../src/cli/command-table.ts';
import { isAlive } from '../support/child-processes.ts';
import { type CommandRow, commandRows } from '../support/command-rows.ts';
import { type Program, startCommand } from '../support/program.ts';
import {
  hasSituations,
  makeSituation,
  type Situation,
  type SituationName,
  situations,
} from '../support/situations.ts';
import { waitUntil } from '../support/wait.ts';

// Every command of the built program, in each situation that it may find. The expected outcomes: test/support/command-rows.ts.

setDefaultTimeout(60_000);

const platform = targetNamed(platformName());
const program = [join(binaryFolder(platform.name), platform.executable)];

let demo: Program;
let upstream: string;
beforeAll(async () => {
  demo = startCommand([...program, 'demo', '--port', '0']);
  await demo.printed('The demo serves');
  [upstream = ''] = /http:\/\/\S+\/mcp/.exec(demo.stdout()) ?? [];
});
afterAll(() => demo[Symbol.asyncDispose]());

test('the table below has each command', () => {
  expect([...new Set(commandRows.map(({ args }) => args[0]))].toSorted()).toEqual(
    commands.map(({ name }) => name).toSorted(),
  );
});

/** Runs a command to its end. */
async function run({ args, input, until, outcomes }: CommandRow, name: SituationName, situation: Situation) {
  const running = situation.start(
    args.map((word) => word.replace('{upstream}', upstream)),
    input,
  );
  const text = outcomes[name].until ?? until;
  if (text === undefined) return running.ended();
  // It may have ended with an error, which the caller judges.
  await running.printed(text).catch(() => {});
  if (input === undefined) running.signal('SIGTERM');
  else running.closeInput();
  return running.ended();
}

/** How many gateways must have announced themselves when a command is over. */
function gatewaysAfter({ args, looksForGateway }: CommandRow, name: SituationName): number {
  const isStopped = name === 'a stopped gateway' || name === 'a stale state file';
  if (name === 'a running gateway' || (args[0] === 'stdio' && isStopped)) return 1;
  const isStale = name === 'a stale state file' || name === 'a foreign process on the port';
  return isStale && !looksForGateway ? 1 : 0;
}

function changedFiles(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((path) => before[path] !== after[path])
    .toSorted();
}

describe.skipIf(!hasSituations).each(situations)('with %s', (name) => {
  for (const row of commandRows) {
    const { exitCode, stdout = [], stderr = [], changes = [] } = row.outcomes[name];
    test(`mcpstead ${row.args.join(' ')} ends with ${exitCode}`, async () => {
      await using situation = await makeSituation(name, {
        program,
        upstream,
        ...(row.before && { before: row.before }),
      });
      const { home, port } = situation;
      const filled = (text: string) =>
        text.replaceAll('{home}', home).replaceAll('{port}', `${port}`).replaceAll('{upstream}', upstream);
      const before = situation.files();
      const result = await run(row, name, situation);

      expect({ exitCode: result.exitCode, ...(result.exitCode !== exitCode && result) }).toEqual({
        exitCode,
      });
      for (const words of stdout) expect(result.stdout).toContain(filled(words));
      for (const words of stderr) expect(result.stderr).toContain(filled(words));
      if (row.outcomes[name].stderr === undefined) expect(result.stderr).toBe('');
      if (row.args.includes('--json')) expect(() => JSON.parse(result.stdout)).not.toThrow();
      expect(result.stdout + result.stderr).not.toMatch(/hunter2hunter2|internal error|\n {4}at /);
      expect(changedFiles(before, situation.files())).toEqual(changes.toSorted());
      expect(situation.gateways()).toHaveLength(gatewaysAfter(row, name));
      if (name === 'a foreign process on the port')
        expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toMatchObject({
          hello: 'from another program',
        });
      const started =
        name === 'a running gateway' ? [] : situation.gateways().filter(({ pid }) => isAlive(pid));
      for (const { pid } of started) await waitUntil(`the end of ${pid}`, () => !isAlive(pid), 15_000);
    });
  }
});

test.skipIf(!hasSituations)('a program on the port that says nothing does not hold commands up', async () => {
  await using situation = await makeSituation('a stale state file', { program, upstream });
  using _silent = Bun.listen({ hostname: '127.0.0.1', port: situation.port, socket: { data() {} } });
  const [status, call] = await Promise.all([
    situation.start(['status']).ended(),
    situation.start(['call', 'up.demo__add', 'a=2', 'b=3']).ended(),
  ]);
  expect(status).toMatchObject({
    exitCode: 1,
    stdout: '',
    stderr: expect.stringContaining('mcpstead: no gateway runs\n'),
  });
  expect(call).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('5'), stderr: '' });
  expect(situation.gateways()).toEqual([]);
});
