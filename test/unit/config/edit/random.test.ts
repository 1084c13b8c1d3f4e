import { expect, test } from 'bun:test';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { addServers, type Edit, removeServer, setEnabled } from '../../../../src/config/edit.ts';
import { Random } from '../../../support/random.ts';
import { type RandomFile, randomFile } from '../../../support/yaml-files.ts';

const files = 10_000;
/** Another one shows whether the seed is lucky. */
const firstSeed = Number(process.env.MCPSTEAD_TEST_SEED ?? 1);

interface Server {
  readonly name: string;
  readonly enabled?: boolean;
}
interface Value {
  readonly servers?: readonly Server[] | null;
}

const entry = {
  name: 'new',
  command: 'npx',
  args: ['-y', '@scope/name', '# no comment', 'a: b'],
  env: { TOKEN: `\${TOKEN}` },
};

/**
 * Two readings of a text, neither that of the code under test. Bun's parser answers twenty times as fast, but does not know all of
 * YAML: the other one decides.
 */
const readings: readonly ((text: string) => Value)[] = [
  (text) => (Bun.YAML.parse(text.replace(/^\uFEFF/, '')) ?? {}) as Value,
  (text) => (parse(text, { maxAliasCount: -1, logLevel: 'silent' }) ?? {}) as Value,
];

/** The lines of a text that are not blank. */
const lines = (text: string) =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');

/** Whether `part` is `whole` without some of its elements. */
function isSubsequence(part: string | readonly string[], whole: string | readonly string[]): boolean {
  let at = 0;
  for (let i = 0; i < whole.length && at < part.length; i++) if (whole[i] === part[at]) at++;
  return at === part.length;
}

/** The text between the common beginning and the common end of two texts, in each of them. */
function difference(before: string, after: string): [string, string] {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end++;
  return [before.slice(start, before.length - end), after.slice(start, after.length - end)];
}

/** The problem of an edit, or null. @param owner the server whose comments go */
function fault(file: RandomFile, after: string, owner: number | null): string | null {
  for (const [id, of] of file.comments) {
    const stays = owner === null || of !== owner;
    if (stays && !after.includes(id)) return `the comment ${id} is gone`;
    if (!stays && after.includes(id)) return `the comment ${id} stays`;
  }
  if (/\r\n/.test(file.text) !== /\r\n/.test(after) && lines(after).length > 1 && lines(file.text).length > 2)
    return 'the line ends changed';
  if (/(?<!\r)\n/.test(after) && /\r\n/.test(file.text) && !/(?<!\r)\n/.test(file.text))
    return 'the line ends are mixed';
  return null;
}

/** The value of an empty list, with the blanks before it: a list below the key takes its place. */
const emptyList = /(servers["']?:(?: &list)?)[ \t]*(?:\[[ \t]*\]|null|~)/;

function addFault(file: RandomFile, after: string): string | null {
  const texts = [file.text, file.text.replace(emptyList, '$1')];
  const isKept = texts.some((text) => isSubsequence(text, after));
  return isKept ? fault(file, after, null) : 'characters are gone';
}

function removeFault(file: RandomFile, after: string, index: number): string | null {
  // At most the line of `servers:` or of the item before changes.
  const left = lines(after);
  const whole = lines(file.text);
  const same = left.filter((line) => whole.includes(line));
  if (left.length - same.length > 1) return 'other lines changed';
  if (!isSubsequence(same, whole)) return 'the lines are in another order';
  return fault(file, after, index);
}

function enableFault(file: RandomFile, after: string, enabled: boolean): string | null {
  const [gone, come] = difference(file.text, after);
  const bare = come.replace(/[\s,"]/g, '');
  const isToggle = 'true false'.includes(gone) && 'true false'.includes(come);
  const isAdded = gone === '' && bare.length === `enabled:${enabled}`.length;
  if (!isToggle && !isAdded) return `"${gone}" became "${come}"`;
  return fault(file, after, null);
}

/** An edit, and how to tell that it is right. */
interface Case {
  readonly what: string;
  readonly edit: Edit;
  /** The value after the edit. */
  readonly expected: (before: Value) => Value;
  readonly faultOf: (after: string) => string | null;
}

/** Counts what was refused, and throws with the seed and the file if an edit is wrong. */
class Tally {
  edits = 0;
  refused = 0;
  sane = 0;
  readonly saneRefusals: string[] = [];

  check(seed: number, file: RandomFile, { what, edit, expected, faultOf }: Case): void {
    this.edits++;
    if (file.isSane) this.sane++;
    const show = (problem: string, after: string) =>
      `seed ${seed}: ${what}: ${problem}\n--- before\n${JSON.stringify(file.text)}\n${file.text}\n--- after\n${after}`;
    if ('text' in edit) {
      const hasValue = readings.some((read) => {
        try {
          return isDeepStrictEqual(read(edit.text), expected(read(file.text)));
        } catch {
          return false;
        }
      });
      const problem = hasValue ? faultOf(edit.text) : 'the values differ';
      if (problem !== null) throw new Error(show(problem, edit.text));
      return;
    }
    this.refused++;
    if (edit.lines === '' || edit.refusal === '') throw new Error(show('refused without lines to paste', ''));
    if (file.isSane) this.saneRefusals.push(show(edit.refusal, ''));
  }
}

function* casesOf(file: RandomFile, random: Random): Generator<Case> {
  const { text, names } = file;
  yield {
    what: 'add',
    edit: addServers(text, [entry]),
    expected: (before) => ({ ...before, servers: [...(before.servers ?? []), entry] }),
    faultOf: (after) => addFault(file, after),
  };
  if (names.length === 0) return;
  const index = random.below(names.length);
  const name = names[index] as string;
  const serversOf = ({ servers }: Value) => servers as readonly Server[];
  yield {
    what: `remove ${name}`,
    edit: removeServer(text, name),
    expected: (before) => ({ ...before, servers: serversOf(before).toSpliced(index, 1) }),
    faultOf: (after) => removeFault(file, after, index),
  };
  const enabled = random.below(3) === 0;
  yield {
    what: `set enabled of ${name} to ${enabled}`,
    edit: setEnabled(text, name, enabled),
    expected(before) {
      const servers = serversOf(before);
      const server = servers[index] as Server;
      const isDone = (server.enabled ?? true) === enabled;
      return isDone ? before : { ...before, servers: servers.with(index, { ...server, enabled }) };
    },
    faultOf: (after) => (after === text ? null : enableFault(file, after, enabled)),
  };
}

test(`${files} random files keep all bytes but those of the edit, or are refused with the lines to paste`, () => {
  const tally = new Tally();
  for (let seed = firstSeed; seed < firstSeed + files; seed++) {
    const random = new Random(seed);
    const file = randomFile(random);
    for (const one of casesOf(file, random)) tally.check(seed, file, one);
  }
  expect(tally.saneRefusals.slice(0, 3)).toEqual([]);
  expect(tally.edits).toBeGreaterThan(files * 2);
  expect(tally.sane).toBeGreaterThan(tally.edits * 0.85);
  expect(tally.refused).toBeLessThan(tally.edits * 0.08);
  // 35 s of an idle core; more while other tests run.
}, 300_000);
