import { describe, expect, test } from 'bun:test';
import { chartOf, layout, palettes } from '../../../bench/chart.ts';
import { keptResults } from '../../../bench/results.ts';

/** Wider than an average character of any font that a browser may use, relative to the font size. */
const maxCharWidth = 0.62;

interface Text {
  readonly x: number;
  readonly y: number;
  readonly right: number;
  readonly content: string;
}

function textsOf(svg: string): Text[] {
  const texts = svg.matchAll(/<text x="(\d+)" y="(\d+)" font-size="(\d+)"[^>]*>([^<]*)</g);
  return [...texts].map(([, x, y, size, content = '']) => ({
    x: Number(x),
    y: Number(y),
    right: Number(x) + content.length * Number(size) * maxCharWidth,
    content,
  }));
}

describe.each(Object.entries(palettes))('the %s chart', (_, palette) => {
  const svg = chartOf(keptResults().whole, palette);
  const texts = textsOf(svg);

  test('has one bar for each gateway and for nginx', () => {
    expect(svg.match(/<rect /g)?.length).toBe(5);
    const labels = texts.filter(({ x, y }) => x === 0 && y > layout.top).map(({ content }) => content);
    const names = ['mcpstead', 'crate mcpstead', 'crate mcp-proxy', 'ContextForge', 'nginx'];
    expect(labels.filter((label) => names.includes(label))).toEqual(names);
  });

  test('keeps its texts within the picture, and labels off the bars', () => {
    for (const { right } of texts) expect(right).toBeLessThanOrEqual(layout.width);
    const labels = texts.filter(({ x, y }) => x === 0 && y > layout.top);
    for (const { right } of labels) expect(right).toBeLessThanOrEqual(layout.barLeft);
  });

  test('draws bars in proportion to the rates', () => {
    const bars = [...svg.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
    const rates = texts.flatMap(({ content }) => /^([\d,]+)\/s/.exec(content)?.[1] ?? []);
    const perSecond = rates.map((rate) => Number(rate.replaceAll(',', '')));
    const scale = Math.max(...bars) / Math.max(...perSecond);
    for (const [index, rate] of perSecond.entries())
      expect(Math.abs((bars[index] as number) - rate * scale)).toBeLessThanOrEqual(1);
  });
});
