import { describe, expect, test } from 'bun:test';
import { containerRunAt, containerRunFaults } from '../../../src/config/container-run.ts';
import { warningsOf } from '../../../src/config/warnings.ts';
import { read } from './reading.ts';

const stdin = 'the container gets no stdin, so that the server cannot be reached: add -i to its args';
const terminal = 'a terminal changes the messages of the server: remove -t from its args';
const remains = 'each start leaves a stopped container behind: add --rm to its args';

test.each([
  ['docker', ['run', '-i', 'image'], 0],
  ['/usr/bin/podman', ['--log-level', 'error', 'container', 'run', 'image'], 3],
  ['docker.exe', ['--context=x', 'run', 'image'], 1],
  ['docker', ['exec', 'run', 'image'], null],
  ['docker', ['run', '--cidfile', '/f', 'image'], null],
  ['docker', ['compose', 'run', 'service'], null],
  ['npx', ['run'], null],
])('%s %j starts a container at %p', (command, args, at) => {
  expect(containerRunAt(command, args)).toBe(at);
});

describe('a container lacks', () => {
  test.each([
    [['run', '-i', '--rm', 'image'], []],
    [['run', '--interactive', '--rm=true', 'image'], []],
    [['run', '-it', '--rm', 'image'], [terminal]],
    [
      ['run', 'image'],
      [stdin, remains],
    ],
    [['run', '-v', '/input:/i', '--rm', 'image'], [stdin]],
    // What follows the image is for the server.
    [['run', '--rm', '-i', '-e', 'TOKEN', 'grafana/mcp-grafana', '-t', 'stdio'], []],
    [
      ['run', '--name', 'box', '--network=host', '--init', 'image', '-i', '--rm'],
      [stdin, remains],
    ],
    [['run', '-ie', 'TOKEN', '-eOTHER', '-p8080:80', '--rm', '--', 'image', '-t'], []],
    [['run', '--interactive', '--tty', '--rm', 'image'], [terminal]],
  ])('%j: %j', (args, faults) => {
    expect(containerRunFaults('docker', args)).toEqual(faults);
  });

  test('what the check warns about, by the name of the server', () => {
    const loaded = read('servers: [{ name: box, command: docker, args: [run, -i, image] }]');
    expect(warningsOf(loaded, {})).toEqual([`box: ${remains}`]);
  });
});
