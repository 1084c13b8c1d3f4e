// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { expect, test } from 'bun:test';
import { stringify } from 'yaml';
import { GatewayError } from '../../../../src/errors.ts';
import { Random } from '../../../support/random.ts';
import { read } from '../reading.ts';

/** A file that is good, with a secret at each place where one may stand. */
const good = {
  host: '127.0.0.1',
  port: 8766,
  mcp: { auth: { mode: 'none' }, session: { idle_ttl_seconds: 60 }, allowed_hosts: ['10.0.0.0/8'] },
  servers: [
    {
      name: 'a',
      url: 'http://user:hunter2@a.example/mcp?key=hunter2',
      headers: { 'X-Key': 'hunter2', 'X-Other': 'hunter2' },
      timeouts: { connect_seconds: 5, request_seconds: 60 },
      reconnect: { max_attempts: 3 },
      tools: { ttl_seconds: 30 },
    },
    { name: 'b', url: 'https://b.example/mcp', enabled: false, protocol: 'sse' },
  ],
  logging: { level: 'info', format: 'json' },
};
const keys =
  'mcpServers servers mcp auth type transport timeout disabled token apiKey authorization endpoint X-Key id command env level metrics - // $schema'.split(
    ' ',
  );
const values =
  '30s 4MB http ws://b localhost:80 $FOO %FOO% * 10.0.0.1/8 yes "" {} [] [a] null -1 1e9 ~ ${ ${FOO}'.split(
    ' ',
  );

/** Changes one line of a YAML text as people do: another key or value, blanks too many or too few, a line less or twice. */
function mutated(text: string, random: Random): string {
  const lines = text.split('\n');
  const at = random.below(lines.length);
  const line = lines[at] as string;
  const changes: (() => string[])[] = [
    () => [line.replace(/[\w-]+:/, `${random.pick(keys)}:`)],
    // A value that stands in the open takes the place of one that is no secret.
    () => [line.includes('hunter2') ? line : line.replace(/: .*$/, `: ${random.pick(values)}`)],
    () => [' '.repeat(random.below(4)) + line],
    () => [line.replace(/^ {1,4}/, '')],
    () => [line.replace(/- /, random.pick(['', '-', '  ']))],
    () => [],
    () => [line, line],
  ];
  lines.splice(at, 1, ...random.pick(changes)());
  return lines.join('\n');
}

test('of a file with mistakes are readable, and repeat no secret', () => {
  const random = new Random(18);
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    let text = stringify(good);
    for (let slips = 1 + random.below(3); slips > 0; slips--) text = mutated(text, random);
    try {
      read(text, { FOO: 'value-of-foo' });
    } catch (error) {
      refused++;
      if (!(error instanceof GatewayError)) throw new Error(`no words for\n${text}`, { cause: error });
      expect(error.message).toContain('f.yaml');
      if (/hunter2|value-of-foo/.test(error.message)) throw new Error(`${text}\n${error.message}`);
    }
  }
  expect(refused).toBeGreaterThan(200);
});
