// The chart of the README: calls per second through each gateway, as SVG.

import { medianIn, type Result } from './results.ts';
import { formatted } from './tables.ts';
import { atConcurrency, call } from './workloads/call.ts';

/** The colors of one theme; the background is the page's. */
interface Palette {
  readonly text: string;
  readonly detail: string;
  readonly ours: string;
  readonly others: string;
  readonly rule: string;
}

/** The themes that GitHub shows a README in. */
export const palettes = {
  light: { text: '#1f2328', detail: '#59636e', ours: '#0969da', others: '#afb8c1', rule: '#d1d9e0' },
  dark: { text: '#f0f6fc', detail: '#9198a1', ours: '#4493f8', others: '#656c76', rule: '#3d444d' },
} as const satisfies Record<string, Palette>;

interface Bar {
  readonly contestant: string;
  readonly label: string;
  readonly note: string;
}

const concurrency = 32;
const gateways: readonly Bar[] = [
  { contestant: 'mcpstead', label: 'mcpstead', note: 'Bun' },
  { contestant: 'crate', label: 'crate mcpstead', note: 'Rust' },
  { contestant: 'crate mcp-proxy', label: 'crate mcp-proxy', note: 'Rust' },
  { contestant: 'contextforge', label: 'ContextForge', note: 'Python' },
];
const floor: Bar = { contestant: 'nginx', label: 'nginx', note: 'reads nothing' };

/** The geometry, in pixels at the picture's own size. */
export const layout = {
  width: 800,
  top: 76,
  row: 46,
  bar: 26,
  floorGap: 22,
  bottom: 12,
  barLeft: 200,
  /** The room to the right of the longest bar, for its figures. */
  valueWidth: 200,
  labelSize: 15,
  noteSize: 12,
} as const;

const version = (text: string | undefined) => /\d+(?:\.\d+)+/.exec(text ?? '')?.[0] ?? '';
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function text(x: number, y: number, size: number, color: string, content: string, isBold = false): string {
  const weight = isBold ? ' font-weight="600"' : '';
  return `  <text x="${x}" y="${y}" font-size="${size}" fill="${color}"${weight}>${escaped(content)}</text>`;
}

/** Draws the chart of `result` in one theme. */
export function chartOf(result: Result, { text: textColor, detail, ours, others, rule }: Palette): string {
  const { width, top, row, bar, floorGap, bottom, barLeft, valueWidth, labelSize, noteSize } = layout;
  const figure = (contestant: string, metric: string) =>
    medianIn(result, call, atConcurrency(concurrency), contestant, metric);
  const shown = [...gateways, floor].flatMap((one) => {
    const perSecond = figure(one.contestant, 'perSecond');
    return perSecond === null
      ? []
      : [{ ...one, perSecond, cpuUs: figure(one.contestant, 'cpuUs') ?? Number.NaN }];
  });
  const most = Math.max(...shown.map(({ perSecond }) => perSecond));
  const scale = (width - barLeft - valueWidth) / most;
  const { machine, date, commit } = result.run;
  const lines = [
    text(0, 22, 18, textColor, 'tools/call: requests per second, and CPU time per request', true),
    text(
      0,
      46,
      13,
      detail,
      `${concurrency} requests at a time, 250 B in, 1 KB out. Load generator, gateway and server share one machine:`,
    ),
    text(0, 63, 13, detail, `${machine.replace(/, Linux.*/, '')}; ${date}, commit ${commit.slice(0, 7)}`),
  ];
  let y = top;
  for (const { contestant, label, note, perSecond, cpuUs } of shown) {
    if (contestant === floor.contestant) {
      lines.push(
        `  <line x1="0" y1="${y + floorGap / 2}" x2="${width}" y2="${y + floorGap / 2}" stroke="${rule}"/>`,
      );
      y += floorGap;
    }
    const isOurs = contestant === 'mcpstead';
    const barWidth = Math.max(1, Math.round(perSecond * scale));
    const barTop = y + (row - bar) / 2;
    lines.push(
      text(0, y + 21, labelSize, textColor, label, isOurs),
      text(0, y + 37, noteSize, detail, `${version(result.run.versions[contestant])}, ${note}`),
      `  <rect x="${barLeft}" y="${barTop}" width="${barWidth}" height="${bar}" rx="3" fill="${isOurs ? ours : others}"/>`,
      text(
        barLeft + barWidth + 8,
        y + 28,
        labelSize,
        textColor,
        `${formatted(perSecond, 0)}/s · ${formatted(cpuUs, 0)} µs CPU`,
        isOurs,
      ),
    );
    y += row;
  }
  const height = y + bottom;
  const family = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="${family}">
  <title>Requests per second of tools/call through each gateway</title>
${lines.join('\n')}
</svg>
`;
}
