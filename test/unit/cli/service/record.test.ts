import { describe, expect, test } from 'bun:test';
import { decodeRecord, encodeRecord } from '../../../../src/cli/service/record.ts';
import { managers, plainPosix, uglyPosix, uglyWindows } from '../../../support/service-place.ts';

describe('the record in the file of a service', () => {
  test.each([
    ['systemd', plainPosix],
    ['systemd', uglyPosix],
    ['launchd', uglyPosix],
    ['task-scheduler', uglyWindows],
  ] as const)('of %s is read back', (id, settings) => {
    const { program, config, path } = settings;
    expect(decodeRecord(managers[id].describe(settings))).toEqual({ program, config, path });
  });

  test('has nothing that a comment of any of the formats would end or expand at', () => {
    expect(encodeRecord(uglyPosix)).toMatch(/^[ -~]+$/);
    expect(encodeRecord(uglyPosix)).not.toMatch(/--|[%&<>^|!]/);
  });

  test.each([
    ['the unit of somebody else', '[Service]\nExecStart=/usr/local/bin/mcpstead serve\n'],
    ['a damaged record', '# {"mcpstead\\u002dservice":1,"program":}\n'],
    ['a record of something else', '# {"mcpstead\\u002dservice":1,"program":"a","config":1,"path":null}\n'],
  ])('is missing in %s', (_, text) => {
    expect(decodeRecord(text)).toBeNull();
  });
});
