import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { taskScheduler } from '../../../../src/cli/service/task-scheduler.ts';
import { managers, uglyWindows } from '../../../support/service-place.ts';

const golden = (name: string) =>
  readFileSync(join(import.meta.dir, '../../../fixtures/service', name), 'utf8');
const manager = managers['task-scheduler'];

describe('the batch file', () => {
  test('of ugly paths is the one of the fixture', () => {
    expect(manager.describe(uglyWindows)).toBe(golden('ugly.cmd').replace(/\r?\n/g, '\r\n'));
  });

  test('has no sign that begins a variable, but for its own', () => {
    const lines = manager.describe(uglyWindows).split('\r\n');
    const own = ['%USERPROFILE%', '%ERRORLEVEL%', '%code%'];
    const left = lines.map((line) =>
      own.reduce((text, name) => text.replaceAll(name, ''), line.replaceAll('%%', '')),
    );
    expect(left.filter((line) => line.includes('%'))).toEqual([]);
  });

  test('cannot have a quotation mark in a path, which Windows does not allow either', () => {
    expect(() => manager.describe({ ...uglyWindows, config: 'C:\\a"b' })).toThrow(
      'C:\\a"b contains a quotation mark',
    );
  });
});

describe('the task', () => {
  const text = new TextDecoder('utf-16le', { ignoreBOM: true }).decode(manager.temporary?.content);

  test('is written in UTF-16 with a byte order mark', () => {
    expect([...(manager.temporary?.content.subarray(0, 4) ?? [])]).toEqual([0xff, 0xfe, 0x3c, 0x00]);
    expect(text).toStartWith('\ufeff<?xml version="1.0" encoding="UTF-16"?>\r\n');
  });

  test('is the one of the fixture', () => {
    expect(text.slice(1)).toBe(golden('task.xml').replace(/\r?\n/g, '\r\n'));
  });

  test.skipIf(Bun.which('python3') === null)('is XML that says what was meant', () => {
    const program = `
import json, sys, xml.etree.ElementTree as tree
space = '{http://schemas.microsoft.com/windows/2004/02/mit/task}'
root = tree.fromstring(sys.stdin.buffer.read())
paths = ['Triggers/LogonTrigger/UserId', 'Principals/Principal/RunLevel', 'Settings/ExecutionTimeLimit',
  'Settings/DisallowStartIfOnBatteries', 'Actions/Exec/Command', 'Actions/Exec/Arguments', 'Actions/Exec/WorkingDirectory']
print(json.dumps([root.findtext('/'.join(space + part for part in path.split('/'))) for path in paths]))`;
    const done = Bun.spawnSync(['python3', '-c', program], {
      stdin: manager.temporary?.content as Uint8Array,
    });
    expect(`${done.stderr}`).toBe('');
    expect(JSON.parse(`${done.stdout}`)).toEqual([
      'HOME-PC\\Ada & Zoë',
      'LeastPrivilege',
      'PT0S',
      'false',
      'conhost.exe',
      '--headless cmd.exe /d /c service.cmd',
      'C:\\Users\\Ada & Zoë\\AppData\\Local\\mcpstead',
    ]);
  });

  test('has no place without LOCALAPPDATA, and no user without USERNAME', () => {
    const at = (env: Record<string, string>) => () => taskScheduler({ platform: 'win32', env });
    expect(at({ USERNAME: 'ada' })).toThrow('LOCALAPPDATA is not set');
    expect(at({ LOCALAPPDATA: 'C:\\a' })).toThrow('USERNAME is not set');
  });
});
