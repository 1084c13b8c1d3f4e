// The load generator, a process of its own: takes one spec as JSON on each line of stdin, answers with one line of JSON.
// Usage: bun bench/load.ts

import { type AskResult, type AskSpec, ask } from './load/ask.ts';
import { end, type Held, type HeldSpec, type HoldSpec, held, hold, release } from './load/hold.ts';
import { type StreamResult, type StreamSpec, stream } from './load/stream.ts';

/** What the load generator is told to do. */
export type LoadSpec = AskSpec | StreamSpec | HoldSpec | HeldSpec;

/** What it answers. */
export interface LoadAnswers {
  ask: AskResult;
  stream: StreamResult;
  hold: Held;
  held: Held;
  release: Held;
  end: Held;
}

function run(spec: LoadSpec): Promise<LoadAnswers[LoadSpec['kind']]> | Held {
  switch (spec.kind) {
    case 'ask':
      return ask(spec);
    case 'stream':
      return stream(spec);
    case 'hold':
      return hold(spec);
    case 'held':
      return held();
    case 'release':
      return release();
    case 'end':
      return end();
  }
}

if (import.meta.main) {
  for await (const line of console) {
    try {
      console.log(JSON.stringify({ result: await run(JSON.parse(line)) }));
    } catch (error) {
      console.log(JSON.stringify({ error: (error as Error).message }));
    }
  }
  // Streams that are still held would keep it running.
  process.exit(0);
}
