import type { Place } from '../../config/places.ts';
import type { Environment } from '../../runtime/environment.ts';
import {
  attempt,
  type RunCommand,
  type ServiceManager,
  type ServiceSettings,
  type ServiceState,
  step,
} from './manager.ts';
import { missingHome, printable, unusable } from './obstacles.ts';
import { encodeRecord, notice } from './record.ts';
import { escapeXml } from './xml.ts';

const task = 'mcpstead';
/** A larger log is put aside when the service starts; one older log is kept. */
const maxLogBytes = 10_485_760;

/**
 * The Task Scheduler of Windows, with a task at log-on. It only starts a program: the batch file that it runs writes the log and
 * starts the gateway again.
 */
export function taskScheduler({ env }: Place): ServiceManager {
  const { LOCALAPPDATA: local, USERNAME: name, USERDOMAIN: domain } = env;
  if (!local) throw missingHome('LOCALAPPDATA');
  if (!name) throw unusable('USERNAME is not set, so the task would have no user');
  const folder = `${local}\\mcpstead`;
  const log = `${folder}\\mcpstead.log`;
  const xmlFile = `${folder}\\service-task.xml`;
  const xml = taskXml(domain ? `${domain}\\${name}` : name, folder);
  return {
    id: 'task-scheduler',
    title: 'Task Scheduler task',
    file: `${folder}\\service.cmd`,
    log: { file: log },
    describe: (settings) => batchText(settings, log),
    // UTF-16 with a byte order mark, as schtasks writes it itself.
    temporary: { path: xmlFile, content: Buffer.from(`\ufeff${xml}`, 'utf16le') },
    start: [
      attempt('schtasks', '/End', '/TN', task),
      step('schtasks', '/Create', '/TN', task, '/XML', xmlFile, '/F'),
      step('schtasks', '/Run', '/TN', task),
    ],
    stop: [attempt('schtasks', '/End', '/TN', task), step('schtasks', '/Delete', '/TN', task, '/F')],
    forget: [],
    probe: (run) => probe(run, env),
    stateOf,
  };
}

/**
 * The batch file, whose `%` begins a variable even between quotes, and whose text is read in the code page of the moment. A task
 * ends like a success whatever its exit code, so the file itself starts the gateway again.
 */
function batchText(settings: ServiceSettings, log: string): string {
  const { program, config } = settings;
  const command = [...program, 'serve', '--watch', '--config', config].map(quoted).join(' ');
  const lines = [
    '@echo off',
    `rem ${notice}`,
    `rem ${encodeRecord(settings)}`,
    'chcp 65001 >nul',
    'cd /d "%USERPROFILE%"',
    ':start',
    `if exist ${quoted(log)} for %%F in (${quoted(log)}) do if %%~zF GTR ${maxLogBytes} move /y ${quoted(log)} ${quoted(`${log}.1`)} >nul`,
    `${command} >>${quoted(log)} 2>&1`,
    'set code=%ERRORLEVEL%',
    'rem 0: it was stopped. 2: an invalid configuration stays invalid.',
    'if "%code%"=="0" exit /b 0',
    'if "%code%"=="2" exit /b 2',
    'ping -n 6 127.0.0.1 >nul',
    'goto start',
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function quoted(word: string): string {
  if (word.includes('"')) throw unusable(`${word} contains a quotation mark, which no path on Windows can`);
  return `"${printable(word).replaceAll('%', '%%')}"`;
}

/** Task Scheduler Schema. No path stands among the arguments, where `%` would begin a variable and nothing escapes it. */
function taskXml(user: string, folder: string): string {
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>mcpstead, one MCP endpoint in front of many MCP servers</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>${escapeXml(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${escapeXml(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>conhost.exe</Command>
      <Arguments>--headless cmd.exe /d /c service.cmd</Arguments>
      <WorkingDirectory>${escapeXml(folder)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`.replaceAll('\n', '\r\n');
}

async function probe(run: RunCommand, env: Environment): Promise<Environment> {
  const { exitCode } = await run(['schtasks', '/Query', '/TN', task]);
  // 1 if there is no such task.
  if (exitCode === null) throw unusable('the Task Scheduler is not here: there is no schtasks.exe in PATH');
  return env;
}

/** Whether it runs is said in the language of the system only. */
async function stateOf(run: RunCommand): Promise<ServiceState> {
  const { exitCode } = await run(['schtasks', '/Query', '/TN', task]);
  return { isEnabled: exitCode === 0, isRunning: null, pid: null, lastExitCode: null };
}
