/** One command in a recorded session, with what the terminal showed. */
export interface RecordedCommand {
  readonly command: string;
  /** With escape sequences for color and weight. */
  readonly output: string;
}

const columns = 116;
const lineHeight = 18;
const charWidth = 7.8;
const padding = 16;

/** The colors of the terminal, by their SGR codes, for light and for dark pages. */
const colors: Readonly<Record<number, readonly [light: string, dark: string]>> = {
  31: ['#b3261e', '#ff8a80'],
  32: ['#1a7f37', '#7ee787'],
  33: ['#9a6700', '#e3b341'],
  36: ['#0b6bcb', '#79c0ff'],
};

interface Run {
  readonly text: string;
  readonly classes: readonly string[];
}

/** Draws a session in a terminal as an SVG image, which is text, light or dark as its page. @param title for screen readers */
export function terminalSvg(title: string, session: readonly RecordedCommand[]): string {
  const lines = session.flatMap(({ command, output }, index) => [
    ...(index > 0 ? [[]] : []),
    [
      { text: '$ ', classes: ['prompt'] },
      { text: command, classes: ['bold'] },
    ],
    ...output.replace(/\s+$/, '').split(/\r?\n/).flatMap(wrapped),
  ]) satisfies readonly Run[][];
  const width = Math.ceil(columns * charWidth + 2 * padding);
  const height = lines.length * lineHeight + 2 * padding;
  const body = lines.map((runs, index) => {
    const y = padding + (index + 1) * lineHeight - 5;
    const spans = runs.map(({ text, classes }) => {
      const attribute = classes.length > 0 ? ` class="${classes.join(' ')}"` : '';
      return `<tspan${attribute}>${escaped(text)}</tspan>`;
    });
    return `<text x="${padding}" y="${y}" xml:space="preserve">${spans.join('')}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<title>${escaped(title)}</title>
<style>
${style()}
</style>
<rect width="${width}" height="${height}" rx="8" class="back"/>
${body.join('\n')}
</svg>
`;
}

function style(): string {
  const sets = [0, 1].map((index) =>
    Object.entries(colors)
      .map(([code, pair]) => `.c${code} { fill: ${pair[index]}; }`)
      .join(' '),
  );
  return `text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; }
.back { fill: #f6f8fa; stroke: #d1d9e0; } .prompt { fill: #59636e; } .bold { font-weight: 600; } ${sets[0]}
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .back { fill: #0d1117; stroke: #3d444d; } .prompt { fill: #9198a1; } ${sets[1]}
}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
const colorCode = /\u001b\[([0-9;]*)m/;

/** The lines that a terminal makes of one line. */
function wrapped(line: string): Run[][] {
  const parts = line.split(colorCode);
  let classes: string[] = [];
  const lines: Run[][] = [[]];
  let column = 0;
  parts.forEach((part, index) => {
    if (index % 2 === 1) {
      classes = part.split(';').reduce(withCode, classes);
      return;
    }
    for (let rest = part; rest !== ''; ) {
      const text = rest.slice(0, columns - column);
      lines.at(-1)?.push({ text, classes });
      rest = rest.slice(text.length);
      column += text.length;
      if (rest === '') break;
      lines.push([]);
      column = 0;
    }
  });
  return lines;
}

/** The classes after an SGR code. */
function withCode(classes: readonly string[], code: string): string[] {
  const number = Number(code);
  if (number === 1) return [...classes, 'bold'];
  if (number === 22) return classes.filter((name) => name !== 'bold');
  const others = classes.filter((name) => !/^c\d+$/.test(name));
  if (number === 0) return [];
  if (number === 39) return others;
  return colors[number] === undefined ? [...classes] : [...others, `c${number}`];
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
