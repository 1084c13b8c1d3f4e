// The load generator, a process of its own: reads one JSON spec per line from stdin and replies with one line of JSON.
// Usage: bun bench/load.ts

import { type RequestResult, type RequestSpec, sendRequests } from './load/requests.ts';
import { end, type Held, type HeldSpec, type HoldSpec, held, hold, release } from './load/sessions.ts';
import { type StreamResult, type StreamSpec, stream } from './load/streams.ts';

/** A command to the load generator. */
export type LoadSpec = RequestSpec | StreamSpec | HoldSpec | HeldSpec;

/** Its results, by the kind of command. */
export interface LoadResults {
  request: RequestResult;
  stream: StreamResult;
  hold: Held;
  held: Held;
  release: Held;
  end: Held;
}

function run(spec: LoadSpec): Promise<LoadResults[LoadSpec['kind']]> | Held {
  switch (spec.kind) {
    case 'request':
      return sendRequests(spec);
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
  // Streams that are still open would keep the process alive.
  process.exit(0);
}
