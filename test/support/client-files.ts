import type { Random } from './random.ts';

// Random files of clients: layouts that people and programs write, with comments wherever the format has them.

interface Layout {
  readonly unit: string;
  readonly lineEnd: string;
  readonly isBlock: boolean;
  readonly hasTrailingComma: boolean;
}

const words = ['a', 'github', 'my server', 'ü', 'x.y', 'quote"', 'back\\slash', '', 'url', '//', '/*', '#'];

function layout(random: Random): Layout {
  return {
    unit: random.pick(['  ', '    ', '\t', ' ']),
    lineEnd: random.pick(['\n', '\n', '\r\n']),
    isBlock: random.below(4) > 0,
    hasTrailingComma: random.below(3) === 0,
  };
}

/** JSON with comments. It has `key` with some servers, with none, or not at all; their names are returned, too. */
export function randomJsonc(random: Random, key: string): { text: string; names: string[] } {
  const form = layout(random);
  const names = [...new Set(Array.from({ length: random.below(4) }, () => random.pick(words)))];
  const servers = object(
    random,
    form,
    names.map((name) => [name, server(random, form, 2)]),
    1,
  );
  const others = ['theme', 'font', 'projects']
    .slice(random.below(4))
    .map((name): [string, string] => [name, value(random, form, 1)]);
  const hasServers = random.below(5) > 0;
  const members: [string, string][] = hasServers ? [...others, [key, servers]] : others;
  if (random.below(2) === 0) members.reverse();
  const body = object(random, form, members, 0);
  const before = random.pick(['', '', '\uFEFF', `// top${form.lineEnd}`, `/* a\n b */ `]);
  const after = random.pick(['', form.lineEnd, form.lineEnd, ` // end`, `${form.lineEnd}${form.lineEnd}`]);
  return { text: before + body + after, names: hasServers ? names : [] };
}

function object(random: Random, form: Layout, members: readonly [string, string][], depth: number): string {
  const { unit, lineEnd } = form;
  const isBlock = form.isBlock && random.below(8) > 0;
  if (members.length === 0)
    return random.pick(['{}', '{ }', isBlock ? `{${lineEnd}${unit.repeat(depth)}}` : '{}']);
  const lead = isBlock ? lineEnd + unit.repeat(depth + 1) : random.pick(['', ' ']);
  const texts = members.map(([name, text], index) => {
    const isLast = index === members.length - 1;
    const comma = isLast && !form.hasTrailingComma ? '' : ',';
    const above = isBlock && random.below(6) === 0 ? `// above${lead}` : '';
    const tail =
      random.below(6) > 0 ? '' : isBlock ? random.pick([' // tail', ' /* tail */', '  ']) : ' /* t */';
    const beforeComma = random.below(12) === 0 ? ' /* odd */ ' : '';
    return `${lead}${above}${JSON.stringify(name)}:${random.pick([' ', ' ', ''])}${text}${beforeComma}${comma}${tail}`;
  });
  const end = isBlock ? lineEnd + unit.repeat(depth) : random.pick(['', ' ']);
  return `{${texts.join('')}${end}}`;
}

function server(random: Random, form: Layout, depth: number): string {
  return object(
    random,
    form,
    [
      ['command', '"npx"'],
      ['args', random.pick(['[]', '["-y", "x"]', '["{", "}", // no\n "]"]'])],
      ['env', '{"KEY": "v//x"}'],
    ].slice(random.below(3)) as [string, string][],
    depth,
  );
}

function value(random: Random, form: Layout, depth: number): string {
  return random.pick([
    '1',
    '-2.5e3',
    'true',
    'null',
    '"x"',
    '"a \\" b"',
    '[1, [2], {"a": 3,}]',
    server(random, form, depth + 1),
  ]);
}

/** TOML with tables of servers, in any of the ways in which they can be written. */
export function randomToml(random: Random, key: string): { text: string; names: string[] } {
  const lineEnd = random.pick(['\n', '\n', '\r\n']);
  const names = [...new Set(Array.from({ length: random.below(4) }, () => random.pick(words.slice(0, 8))))];
  const quoted = (name: string) =>
    /^\w+$/.test(name) && random.below(2) === 0 ? name : JSON.stringify(name);
  const comment = () => random.pick(['', '', '', ' # c', '  #[x]']);
  const isInline = random.below(4) === 0;
  const tables = names.map((name) => {
    if (isInline) return [`${quoted(name)} = { command = "npx", args = ["a", 'b'] }${comment()}`];
    const lines = [
      `[${key}.${quoted(name)}]${comment()}`,
      'command = "npx"',
      ...random.pick([[], ['args = [ # list', '  "-y", "]",', ']'], ["text = '''", '[fake]', "'''"]]),
      ...random.pick([[], ['# inner', 'enabled = true']]),
    ];
    const env = [`[${key}.${quoted(name)}.env]`, `KEY = "v"${comment()}`];
    return random.below(2) === 0 ? lines : [...lines, ...random.pick([[''], []]), ...env];
  });
  const head = random.pick([[], ['model = "x"', ''], ['# top', 'a.b = 1']]);
  const other = random.pick([
    [],
    ['[other]', 'a = """', '[mcp_servers.fake]', '"""'],
    ['[[list]]', 'a = 1', '[[list]]'],
  ]);
  const body =
    isInline && names.length > 0
      ? [`[${key}]`, ...tables.flat()]
      : tables.flatMap((lines) => [...lines, ...random.pick([[''], ['', '# between', ''], []])]);
  const text = [...head, ...body, ...other].join(lineEnd) + random.pick(['', lineEnd, lineEnd]);
  return { text: random.pick(['', '', '\uFEFF']) + text, names };
}

/** YAML with a mapping of servers. */
export function randomYaml(random: Random, key: string): { text: string; names: string[] } {
  const lineEnd = random.pick(['\n', '\n', '\r\n']);
  const unit = random.pick(['  ', '    ', ' ']);
  const names = [
    ...new Set(Array.from({ length: random.below(4) }, () => random.pick(['a', 'b', 'my server', 'ü']))),
  ];
  const comment = () => random.pick(['', '', '', ' # c']);
  const servers = names.flatMap((name) => {
    if (random.below(4) === 0) return [`${unit}${name}: { cmd: npx, args: [a, 'b'] }${comment()}`];
    return [
      `${unit}${name}:${comment()}`,
      `${unit}${unit}cmd: npx`,
      ...random.pick([
        [],
        [`${unit}${unit}args:`, `${unit}${unit}- -y`],
        [`${unit}${unit}text: |`, `${unit}${unit}  # no`, '', `${unit}${unit}  x`],
      ]),
      ...random.pick([[], [`${unit}${unit}# inner`], [`${unit}# between`], ['']]),
    ];
  });
  const empty = random.pick([[`${key}:`], [`${key}: {}`], [`${key}: # none`], []]);
  const body = names.length > 0 ? [`${key}:${comment()}`, ...servers] : empty;
  const text = [
    ...random.pick([[], ['# top'], ['PROVIDER: x', ''], ['---']]),
    ...body,
    ...random.pick([[], ['# tail'], ['', 'MODEL: y']]),
  ].join(lineEnd);
  return { text: text + random.pick(['', lineEnd, lineEnd]), names };
}
