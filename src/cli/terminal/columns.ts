/**
 * Rows with their cells below each other, two spaces apart, without white space at the ends of lines. A row may have fewer cells than
 * others. @param right the columns whose texts end below each other, as numbers do
 */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(0, ...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat((widths[column] ?? 0) - widthOf(cell));
        return right.includes(column) ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** The columns that a text takes on a terminal. */
const widthOf = (text: string): number => Bun.stringWidth(text);
