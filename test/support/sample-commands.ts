import { type Command, defineCommand } from '../../src/cli/command.ts';

const run = async () => 0 as const;
const help = { type: 'boolean', short: 'h', summary: 'Show this help' } as const;

/** A program with everything that a table of commands may hold, and signs that shells and troff take for their own. */
export const sampleCommands: readonly Command[] = [
  defineCommand({
    name: 'paint',
    aliases: ['draw'],
    summary: "Paint a picture: it's [quite] `simple`, costs $5 & 100%",
    group: 'Get started',
    positionals: [
      { name: 'COLOR', summary: 'Of the paint', isRequired: true, choices: ['red', 'green', 'blue'] },
      { name: 'FILE', summary: 'Where the picture goes' },
    ],
    flags: {
      frame: { type: 'string', short: 'f', value: 'KIND', choices: ['gold', 'wood'], summary: 'Frame it' },
      into: { type: 'string', value: 'DIR', summary: 'The folder: of the picture' },
      label: { type: 'string', value: 'TEXT', isRepeated: true, summary: "A label, such as 'mine' or \\it" },
      secret: { type: 'boolean', isHidden: true, summary: 'Not shown' },
      help,
    },
    details: ['.It begins with a sign that troff takes for a request.', "'So does this."],
    examples: [{ line: "mcpstead paint red -- 'a b'", summary: 'Paint it red' }],
    run,
  }),
  defineCommand({
    name: 'wash',
    summary: 'Wash brushes',
    group: 'Serve',
    positionals: [
      { name: 'BRUSH', summary: 'Which ones', isRepeated: true, choices: ['thin', 'thick', '-'] },
    ],
    flags: { water: { type: 'string', value: 'FILE', default: 'sink', summary: 'The water' }, help },
    run,
  }),
  defineCommand({
    name: 'lend',
    summary: 'Lend something',
    group: 'Serve',
    positionals: [{ name: 'NAME', summary: 'To whom', isRequired: true }],
    rest: { name: 'COMMAND', summary: 'What to run', isRepeated: true },
    flags: { help },
    run,
  }),
];

export const sampleRoot: Command = defineCommand({
  name: 'mcpstead',
  summary: 'A program',
  group: 'Serve',
  flags: { config: { type: 'string', short: 'c', value: 'FILE', summary: 'Configuration' }, help },
  run,
});
