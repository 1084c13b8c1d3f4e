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

/** A plain reading of the file, not that of the code under test. */
const plainValue = (text: string) => (parse(text, { maxAliasCount: -1, logLevel: 'silent' }) ?? {}) as Value;

/** Whether a text has this value. Bun's parser answers ten times as fast, but does not know all of YAML. */
function hasValue(text: string, expected: Value): boolean {
  try {
    if (isDeepStrictEqual(Bun.YAML.parse(text.replace(/^\uFEFF/, '')), expected)) return true;
  } catch {}
  try {
    return isDeepStrictEqual(plainValue(text), expected);
  } catch {
    return false;
  }
}

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
function fault(file: RandomFile, after: string, expected: Value, owner: number | null): string | null {
  if (!hasValue(after, expected)) return 'the values differ';
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

function addFault(file: RandomFile, before: Value, after: string): string | null {
  const expected = { ...before, servers: [...(before.servers ?? []), entry] };
  const texts = [file.text, file.text.replace(emptyList, '$1')];
  const isKept = texts.some((text) => isSubsequence(text, after));
  return isKept ? fault(file, after, expected, null) : 'characters are gone';
}

function removeFault(file: RandomFile, before: Value, after: string, index: number): string | null {
  const expected = { ...before, servers: before.servers?.toSpliced(index, 1) };
  // At most the line of `servers:` or of the item before changes.
  const left = lines(after);
  const whole = lines(file.text);
  const same = left.filter((line) => whole.includes(line));
  if (left.length - same.length > 1) return 'other lines changed';
  if (!isSubsequence(same, whole)) return 'the lines are in another order';
  return fault(file, after, expected as Value, index);
}

function enableFault(
  file: RandomFile,
  before: Value,
  after: string,
  index: number,
  enabled: boolean,
): string | null {
  const servers = before.servers?.map((server, at) => (at === index ? { ...server, enabled } : server));
  const [gone, come] = difference(file.text, after);
  const isToggle = /^(?:tru|fals|true|false|)$/.test(gone);
  if (!isToggle) return `"${gone}" became "${come}"`;
  if (!/^(?:tru|fals|true|false|[\s,"]*(?:enabled"?: )?(?:true|false|fals)?[\s,]*|.*enabled.*)$/s.test(come))
    return `"${come}" was added`;
  return fault(file, after, { ...before, servers } as Value, null);
}

/** The value of a file, or that of an empty one if it is not valid: then no edit is made. */
function readable(text: string): Value {
  try {
    return plainValue(text);
  } catch {
    return {};
  }
}

/** Counts what was refused, and throws with the file if an edit is wrong. */
class Tally {
  edits = 0;
  refused = 0;
  sane = 0;
  readonly saneRefusals: string[] = [];

  check(
    seed: number,
    file: RandomFile,
    what: string,
    edit: Edit,
    faultOf: (after: string) => string | null,
  ): void {
    this.edits++;
    if (file.isSane) this.sane++;
    const show = (problem: string, after: string) =>
      `seed ${seed}: ${what}: ${problem}\n--- before\n${JSON.stringify(file.text)}\n${file.text}\n--- after\n${after}`;
    if ('text' in edit) {
      const problem = faultOf(edit.text);
      if (problem !== null) throw new Error(show(problem, edit.text));
      return;
    }
    this.refused++;
    if (edit.lines === '' || edit.refusal === '') throw new Error(show('refused without lines to paste', ''));
    if (file.isSane) this.saneRefusals.push(show(edit.refusal, ''));
  }
}

test(`${files} random files keep all bytes but those of the edit, or are refused with the lines to paste`, () => {
  const tally = new Tally();
  for (let seed = firstSeed; seed < firstSeed + files; seed++) {
    const random = new Random(seed);
    const file = randomFile(random);
    const value = readable(file.text);
    tally.check(seed, file, 'add', addServers(file.text, [entry]), (after) => addFault(file, value, after));
    const index = file.names.length === 0 ? -1 : random.below(file.names.length);
    if (index < 0) continue;
    const name = file.names[index] as string;
    tally.check(seed, file, `remove ${name}`, removeServer(file.text, name), (after) =>
      removeFault(file, value, after, index),
    );
    const enabled = (value.servers?.[index]?.enabled ?? true) === false;
    tally.check(seed, file, `set enabled of ${name}`, setEnabled(file.text, name, enabled), (after) =>
      enableFault(file, value, after, index, enabled),
    );
  }
  console.log(
    `${tally.edits} edits, ${tally.refused} refused; of ${tally.sane} in sane layouts, ${tally.saneRefusals.length} refused`,
  );
  expect(tally.saneRefusals.slice(0, 3)).toEqual([]);
  expect(tally.sane).toBeGreaterThan(tally.edits * 0.8);
  expect(tally.refused).toBeLessThan(tally.edits * 0.1);
}, 60_000);
