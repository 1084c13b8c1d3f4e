#!/usr/bin/env node
// The command of a checkout that npm installed by its path or from git. Only releases contain the program, and a checkout
// has it after a build. This file starts the built program, or says how to build it.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { platformName } from '../npm/mcpstead/lib/platform.mjs';

const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
const file = process.platform === 'win32' ? 'mcpstead.exe' : 'mcpstead';
const program = join(checkout, 'dist', 'bin', platformName(), file);

if (existsSync(program) || process.env.MCPSTEAD_BINARY) {
  process.env.MCPSTEAD_BINARY ||= program;
  await import('../npm/mcpstead/bin/mcpstead.mjs');
} else {
  console.error(
    `mcpstead: npm installed the sources in ${checkout}, and these hold no program yet. One of:
  build it; this command then starts it:  cd "${checkout}" && npm run build
  run the demo from the sources:          cd "${checkout}" && npm start
  install a release instead:              npm uninstall -g @ahkohd/mcpstead && npm install -g @ahkohd/mcpstead`,
  );
  process.exitCode = 1;
}
