#!/usr/bin/env bun
import { run } from './cli/run.ts';
import { output } from './observability/output.ts';

const exitCode = await run(process.argv.slice(2));
await output.flushed();
process.exit(exitCode);
