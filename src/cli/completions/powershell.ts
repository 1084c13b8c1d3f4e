import type { CompletedCommand, CompletedFlag, CompletedProgram, CompletedValue } from './words.ts';

/** A script for PowerShell 5.1 and later. */
export function powershellCompletions({ root, commands }: CompletedProgram): string {
  const summaries = commands.flatMap(({ names, summary }) => names.map((name) => [name, summary] as const));
  return `# Completions of mcpstead for PowerShell, by "mcpstead completions powershell".
Register-ArgumentCompleter -Native -CommandName mcpstead -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)

  $commands = @(
${summaries.map(([name, summary]) => `    ,@(${quoted(name)}, ${quoted(summary)})\n`).join('')}  )
  # Of each command: its options (names, summary, whether a value follows, the values), then the words of each place.
  $table = @{
${[root, ...commands].map(entry).join('')}  }

  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  $all = $table.Values | ForEach-Object { $_.Options }
  $command = ''
  $place = 0
  $option = $null
  foreach ($word in $words) {
    if ($option) { $option = $null; continue }
    if ($word -like '-*') {
      $option = $all | Where-Object { $_[2] -and $_[0] -contains $word } | Select-Object -First 1
    } elseif ($command -eq '') { $command = $word } else { $place++ }
  }
  if (-not $table.ContainsKey($command)) { return }

  $found = if ($option) {
    $option = $table[$command].Options | Where-Object { $_[0] -contains $words[-1] } | Select-Object -First 1
    if ($option) { $option[3] | ForEach-Object { ,@($_, $_) } }
  } elseif ($wordToComplete -like '-*') {
    $table[$command].Options | ForEach-Object { ,@($_[0][0], $_[1]) }
  } elseif ($command -eq '') {
    $commands
  } elseif ($place -lt $table[$command].Words.Count) {
    $table[$command].Words[$place] | ForEach-Object { ,@($_, $_) }
  }
  $found | Where-Object { $_ -and $_[0] -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}
`;
}

function entry({ names, flags, words }: CompletedCommand): string {
  const body = `@{
      Options = @(
${flags.map((flag) => `        ,${option(flag)}\n`).join('')}      )
      Words = @(${words.map(({ completion }) => `,${list(wordsOf(completion))}`).join('; ')})
    }`;
  return (names.length === 0 ? [''] : names).map((name) => `    ${quoted(name)} = ${body}\n`).join('');
}

function option({ names, summary, value, completion }: CompletedFlag): string {
  return `@(${list(names)}, ${quoted(summary)}, ${value === null ? '$false' : '$true'}, ${list(wordsOf(completion))})`;
}

/** Without words of ours, PowerShell completes files. */
const wordsOf = (completion: CompletedValue) => (completion.kind === 'words' ? completion.words : []);
const list = (words: readonly string[]) => `@(${words.map(quoted).join(', ')})`;
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
