/** A metric in a PromQL expression, with its labels. */
export interface Selector {
  readonly name: string;
  /** Label name to the values in the expression; none for a variable (`$server`). */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

/** The labels that Prometheus adds to every series. */
export const scrapeLabels = ['job', 'instance'];

const word = '[a-zA-Z_][a-zA-Z0-9_]*';
const matcher = new RegExp(`(${word})\\s*(=~|!~|!=|=)\\s*"([^"]*)"`, 'g');

/** The metrics that `expression` names, the labels in its braces included. */
export function selectors(expression: string): Selector[] {
  return [...expression.matchAll(/\b(mcpstead_\w+)(?:\{([^}]*)\})?/g)].map(([, name, braces = '']) => ({
    name: name as string,
    labels: new Map([...braces.matchAll(matcher)].map(([, label, , value]) => [label!, literals(value!)])),
  }));
}

/** The words of a value: of `a|b` both; none of a regular expression or of a variable of Grafana. */
function literals(value: string): string[] {
  return value.split('|').filter((part) => /^[\w/.-]+$/.test(part));
}

/** The labels that `expression` groups or matches by. */
export function groupLabels(expression: string): string[] {
  const lists = expression.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g);
  return [...lists].flatMap(([, list]) => list!.split(',').map((label) => label.trim()));
}
