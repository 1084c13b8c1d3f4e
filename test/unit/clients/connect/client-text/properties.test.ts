import { describe, expect, test } from 'bun:test';
import { entriesOf, withEntries } from '../../../../../src/clients/connect/client-text.ts';
import { SpliceRefusal } from '../../../../../src/clients/connect/splice.ts';
import { randomJsonc, randomToml, randomYaml } from '../../../../support/client-files.ts';
import { Random } from '../../../../support/random.ts';

const rounds = 300;
const formats = [
  { format: 'jsonc', key: ['mcpServers'], make: randomJsonc, mostRefused: 0 },
  { format: 'toml', key: ['mcp_servers'], make: randomToml, mostRefused: 0 },
  { format: 'yaml', key: ['extensions'], make: randomYaml, mostRefused: 0 },
] as const;
const added = { url: 'http://127.0.0.1:8766/mcp' };
const replaced = { url: 'http://127.0.0.1:8766/mcp/a' };

/** The characters of `part` in their order within `whole`. */
function isWithin(part: string, whole: string): boolean {
  let at = 0;
  for (const character of part) {
    at = whole.indexOf(character, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

for (const { format, key, make, mostRefused } of formats) {
  describe(`random files in ${format}`, () => {
    const location = { format, key };

    test('a server is added to each, and nothing else changes', () => {
      const random = new Random(1);
      let refused = 0;
      for (let round = 0; round < rounds; round++) {
        const { text, names } = make(random, key[0]);
        try {
          const before = entriesOf(text, location);
          expect(Object.keys(before).toSorted()).toEqual(names.toSorted());
          const after = withEntries(text, location, [{ name: 'mcpstead', value: added }]);
          expect(entriesOf(after, location)).toEqual({ ...before, mcpstead: added });
          expect(isWithin(text.replace(/\{\s*\}/g, ''), after)).toBe(true);
          expect(after.startsWith('\uFEFF')).toBe(text.startsWith('\uFEFF'));
        } catch (error) {
          if (!(error instanceof SpliceRefusal)) throw new Error(`${JSON.stringify(text)}: ${error}`);
          if (refused++ >= mostRefused) throw new Error(`refused ${JSON.stringify(text)}: ${error.message}`);
        }
      }
    });

    test('a server that was added to others is taken out again to the byte', () => {
      const random = new Random(2);
      for (let round = 0; round < rounds; round++) {
        const { text, names } = make(random, key[0]);
        if (names.length === 0) continue;
        const with1 = withEntries(text, location, [{ name: 'mcpstead', value: added }]);
        const without = withEntries(with1, location, [{ name: 'mcpstead', value: undefined }]);
        expect([text, without]).toEqual([text, text]);
      }
    });

    test('each server can be replaced and taken out, and the others stay', () => {
      const random = new Random(3);
      for (let round = 0; round < rounds; round++) {
        const { text, names } = make(random, key[0]);
        const before = entriesOf(text, location);
        for (const name of names) {
          const { [name]: _, ...others } = before;
          try {
            const after = withEntries(text, location, [{ name, value: replaced }]);
            expect(entriesOf(after, location)).toEqual({ ...others, [name]: replaced });
            const without = withEntries(after, location, [{ name, value: undefined }]);
            expect(entriesOf(without, location)).toEqual(others);
          } catch (error) {
            throw new Error(`${name} in ${JSON.stringify(text)}: ${error}`);
          }
        }
      }
    });
  });
}
