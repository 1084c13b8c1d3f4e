import type { Random } from './random.ts';

/** A line of a file, and the server whose removal it goes with; null: it stays. */
interface Line {
  text: string;
  readonly owner: number | null;
}

/** A configuration file in a random layout. */
export interface RandomFile {
  readonly text: string;
  /** The names of its servers. */
  readonly names: readonly string[];
  /** For each comment of the file, such as `c7`, the server whose removal it goes with; null: it stays. */
  readonly comments: ReadonlyMap<string, number | null>;
  /** Whether a person who cares for their file might write it so: no edit may be refused. */
  readonly isSane: boolean;
}

/** Writes a file: block style as a rule, with comments in all places, or in brackets, or JSON. */
export function randomFile(random: Random): RandomFile {
  return new Writer(random).write();
}

class Writer {
  readonly #random: Random;
  readonly #lines: Line[] = [];
  readonly #comments = new Map<string, number | null>();
  readonly #names: string[] = [];
  readonly #anchors: string[] = [];
  #isSane = true;

  constructor(random: Random) {
    this.#random = random;
  }

  write(): RandomFile {
    const random = this.#random;
    const style = random.below(12);
    if (style === 0) this.#json();
    else if (style === 1) this.#braces();
    else this.#block();
    if (this.#chance(12)) this.#disturb();
    const lineEnd = this.#chance(5) ? '\r\n' : '\n';
    const last = this.#chance(6) ? '' : lineEnd;
    const mark = this.#chance(12) ? '\uFEFF' : '';
    const text = mark + this.#lines.map((line) => line.text).join(lineEnd) + last;
    return { text, names: this.#names, comments: this.#comments, isSane: this.#isSane };
  }

  /** True in one of `of` cases. */
  #chance(of: number): boolean {
    return this.#random.below(of) === 0;
  }

  #line(text: string, owner: number | null = null): void {
    this.#lines.push({ text, owner });
  }

  #comment(owner: number | null): string {
    const id = `c${this.#comments.size}.`;
    this.#comments.set(id, owner);
    const { pick } = this.#random;
    return pick.call(this.#random, [
      `# ${id}`,
      `#${id}`,
      `#\t${id}`,
      `# - name: ${id}`,
      `# "${id}": [`,
    ]) as string;
  }

  #commentLine(indent: string, owner: number | null): void {
    this.#line(indent + this.#comment(owner), owner);
  }

  #blank(): void {
    this.#line(this.#chance(5) ? '   ' : '');
  }

  /** Nothing, blanks, or a comment at the end of a line. */
  #tail(owner: number | null): string {
    if (this.#chance(5)) return this.#random.pick([' ', '  ', '\t']) + this.#comment(owner);
    return this.#chance(12) ? '  ' : '';
  }

  #block(): void {
    const random = this.#random;
    if (this.#chance(3)) this.#commentLine('', null);
    if (this.#chance(4)) this.#blank();
    if (this.#chance(6)) this.#line(`---${this.#chance(3) ? ` ${this.#comment(null)}` : ''}`);
    const indent = this.#chance(20) ? '  ' : '';
    const keys = ['port', 'host', 'logging', 'mcp', 'metrics'].filter(() => this.#chance(3));
    if (!this.#chance(15)) keys.splice(random.below(keys.length + 1), 0, 'servers');
    for (const key of keys) {
      if (this.#chance(4)) this.#blank();
      if (this.#chance(4)) this.#commentLine(indent, null);
      if (key === 'servers') this.#servers(indent);
      else this.#setting(key, indent);
    }
    if (keys.length === 0) this.#commentLine('', null);
    if (this.#chance(4)) this.#blank();
    if (this.#chance(5)) this.#commentLine('', null);
    if (this.#chance(12)) this.#line('...');
  }

  #setting(key: string, indent: string): void {
    const forms: Record<string, readonly string[][]> = {
      port: [['port: 8766'], ['"port": 8766'], ['port: 0x10']],
      host: [['host: 127.0.0.1'], ["host: 'localhost'"]],
      logging: [['logging: { level: info }'], ['logging:', '  level: warn', '  format: json']],
      mcp: [
        ['mcp:', '    auth:', '      mode: none'],
        ['mcp: {', '  auth: {mode: none}', '  }'],
      ],
      metrics: [['metrics:', '  enabled: true'], ['metrics: {enabled: false}']],
    };
    const lines = this.#random.pick(forms[key] ?? []);
    lines.forEach((line, index) => {
      this.#line(indent + line + (index === 0 ? this.#tail(null) : ''));
    });
  }

  #servers(indent: string): void {
    const key = this.#random.pick(['servers', 'servers', 'servers', '"servers"', "'servers'"]);
    const style = this.#random.below(16);
    if (style === 0) this.#line(`${indent}${key}:${this.#tail(null)}`);
    else if (style === 1) {
      const nothing = this.#random.pick(['[]', '[ ]', 'null', '~']);
      this.#line(`${indent}${key}: ${nothing}${this.#tail(null)}`);
    } else if (style === 2) this.#inBrackets(indent, key);
    else {
      this.#line(`${indent}${key}:${this.#chance(25) ? ' &list' : ''}${this.#tail(null)}`);
      this.#items(indent + this.#random.pick(['', '  ', '  ', '  ', '   ', '    ']));
    }
  }

  #items(indent: string): void {
    const count = 1 + this.#random.below(4);
    const isSpaced = this.#chance(3);
    const offset = this.#random.pick([2, 2, 2, 3, 4]);
    for (let index = 0; index < count; index++) {
      if (isSpaced && index > 0) this.#blank();
      if (this.#chance(10)) {
        this.#commentLine(indent, null);
        this.#blank();
      }
      if (this.#chance(4)) this.#commentLine(indent, index);
      if (this.#chance(12)) this.#commentLine(indent, index);
      this.#item(indent, index, offset);
      // The blank lines that a block scalar keeps stand between the item and the comment.
      const isOpen = this.#lines.at(-1)?.text === '';
      if (this.#chance(8)) this.#commentLine(`${indent}  `, isOpen ? null : index);
      else if (this.#chance(10)) {
        this.#blank();
        this.#commentLine(`${indent}  `, null);
      }
    }
  }

  #name(index: number): string {
    const name = `s${index}`;
    this.#names.push(name);
    return this.#random.pick([name, name, name, `'${name}'`, `"${name}"`]);
  }

  #item(indent: string, index: number, offset: number): void {
    const style = this.#random.below(10);
    if (style === 0) {
      this.#line(`${indent}- ${this.#flowItem(index)}${this.#tail(index)}`, index);
      return;
    }
    const keys = indent + ' '.repeat(offset);
    const lines = this.#keys(index);
    const anchor = this.#chance(30) ? `&i${index}` : '';
    const isAlone = style === 1 || anchor !== '';
    const dash = `${indent}-`;
    if (isAlone) this.#line(`${dash}${anchor && ` ${anchor}`}${this.#tail(index)}`, index);
    lines.forEach((line, at) => {
      const start = at === 0 && !isAlone ? dash.padEnd(keys.length) : keys;
      this.#line(line === '' ? '' : start + line, index);
      if (
        at < lines.length - 1 &&
        this.#chance(12) &&
        /^\w[^|>]*$/.test(lines[at + 1] ?? '') &&
        !/[|>[{]$/.test(line)
      ) {
        this.#commentLine(keys, index);
        if (this.#chance(4)) this.#line('', index);
      }
    });
  }

  /** The lines of the keys of a server, without indentation. */
  #keys(index: number): string[] {
    const random = this.#random;
    const key = this.#chance(10) ? '"name"' : 'name';
    const groups: string[][] = [[`${key}: ${this.#name(index)}${this.#tail(index)}`]];
    const target = this.#chance(2) ? this.#url(index) : this.#command(index);
    groups.push(...target);
    if (this.#chance(5)) groups.push([`enabled: ${random.pick(['true', 'false'])}${this.#tail(index)}`]);
    if (this.#chance(6)) groups.push([`timeouts: { connect_seconds: 5 }${this.#tail(index)}`]);
    if (this.#chance(8)) groups.push(['tools:', '  allow:', "  - 'a*'", '  - b']);
    // Most people begin with the name.
    if (this.#chance(8)) groups.push(groups.shift() as string[]);
    return groups.flat();
  }

  #url(index: number): string[][] {
    const url = `http://h${index}.example/mcp`;
    const groups = [
      [`url: ${this.#random.pick([url, `"${url}"`, `'${url}?a=b#'`.replace('#', '')])}${this.#tail(index)}`],
    ];
    if (this.#chance(4)) {
      const anchor = this.#chance(8) ? `h${index}` : '';
      const alias = this.#chance(3) ? this.#anchors.at(-1) : undefined;
      if (alias !== undefined) groups.push([`headers: *${alias}`]);
      else groups.push([`headers: ${anchor && `&${anchor} `}{ X-Key: "\${KEY}" }${this.#tail(index)}`]);
      if (anchor !== '' && alias === undefined) this.#anchors.push(anchor);
      // The server with the anchor cannot go.
      if (alias !== undefined) this.#isSane = false;
    }
    if (this.#chance(8))
      groups.push(['headers:'.replace('headers', groups.length > 1 ? 'quirks' : 'headers'), '  {}']);
    return groups;
  }

  #command(index: number): string[][] {
    const args = this.#random.pick([
      ['args: [-y, "@a/b", c]'],
      ['args:', '- -y', '- "@a/b"'],
      ['args:', '  - -y', '  -   c'],
      ['args: [', '  -y,', '  "@a/b"', '  ]'],
      ['args:', '  - |', '    two', '    # lines', '  - >-', '    folded', '', '    text'],
      ['args:', '  - |+', '    kept', ''],
      ['args:', '  - "a', '    b"', '  - plain', '    text'],
    ]);
    const env = this.#random.pick([
      [],
      ['env: { A: b }'],
      ['env:', '  A: "1"', '  B: $B'],
      ['env:', '  KEY: |', '    -----BEGIN', '    -----END'],
      ['env: {A: b,', '      C: d}'],
    ]);
    return [[`command: npx${this.#tail(index)}`], args, env].filter((lines) => lines.length > 0);
  }

  #flowItem(index: number): string {
    const name = this.#name(index);
    const url = `http://h${index}.example/mcp`;
    return this.#random.pick([
      `{ name: ${name}, url: "${url}" }`,
      `{name: ${name}, url: "${url}"}`,
      `{ url: '${url}', name: ${name}, }`,
      `{ name: ${name}, enabled: false, url: ${url} }`,
      `{"name": "s${index}", "url": "${url}", "args": null}`.replace(', "args": null', ''),
    ]);
  }

  #inBrackets(indent: string, key: string): void {
    const count = this.#random.below(4);
    const items = Array.from({ length: count }, (_, index) => this.#flowItem(index));
    if (this.#chance(2)) {
      const trailing = count > 0 && this.#chance(3) ? ',' : '';
      this.#line(`${indent}${key}: [${items.join(', ')}${trailing}]${this.#tail(null)}`);
      return;
    }
    this.#line(`${indent}${key}: [${this.#tail(null)}`);
    items.forEach((item, index) => {
      if (this.#chance(5)) this.#commentLine(`${indent}  `, index);
      const comma = index < count - 1 || this.#chance(3) ? ',' : '';
      this.#line(`${indent}  ${item}${comma}${this.#tail(index)}`, index);
    });
    if (this.#chance(6)) this.#commentLine(`${indent}  `, null);
    this.#line(`${indent}${this.#random.pick(['', '  '])}]${this.#tail(null)}`.replace(/^\]/, ' ]'));
  }

  #json(): void {
    const count = this.#random.below(4);
    const servers = Array.from({ length: count }, (_, index) => {
      this.#names.push(`s${index}`);
      return { name: `s${index}`, url: `http://h${index}.example/mcp` };
    });
    const isEmpty = this.#chance(6);
    if (isEmpty) this.#names.length = 0;
    const value = isEmpty ? { port: 1 } : { port: 1, servers, host: 'localhost' };
    const text = JSON.stringify(value, null, this.#random.pick([0, 2, 4]));
    for (const line of text.split('\n')) this.#line(line);
  }

  #braces(): void {
    const count = this.#random.below(3);
    const items = Array.from({ length: count }, (_, index) => this.#flowItem(index));
    const servers = this.#chance(6) ? [] : [`servers: [${items.join(', ')}]`];
    if (servers.length === 0) this.#names.length = 0;
    this.#line(
      `{ ${['port: 1', ...servers].join(', ')}${this.#random.pick(['', ',', ', host: localhost'])} }`,
    );
  }

  /** A few lines that nobody writes, or that belong nowhere. */
  #disturb(): void {
    this.#isSane = false;
    for (const id of this.#comments.keys()) this.#comments.delete(id);
    for (let count = 1 + this.#random.below(3); count > 0; count--) {
      const at = this.#random.below(this.#lines.length + 1);
      const text = this.#random.pick([
        '# x',
        '   # x',
        '\t',
        '        # x',
        '  ',
        '- name: x',
        'x:',
        '? y',
        ': z',
        '&b',
        '---',
      ]);
      this.#lines.splice(at, 0, { text, owner: null });
    }
  }
}
