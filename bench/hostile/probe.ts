// A thread that polls /livez and reports the slowest response. It does not share the event loop of the sender of hostile
// input, so only the gateway's own delay counts.

declare const self: Worker;

const pauseMs = 2;
const timeoutMs = 60_000;

let slowestMs = 0;
let stopping = false;

async function probe(url: string): Promise<void> {
  while (!stopping) {
    const beganMs = performance.now();
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
      await response.text();
    } catch {
      // A crash is detected by the main thread; a hang counts as a slow response.
    }
    slowestMs = Math.max(slowestMs, performance.now() - beganMs);
    await Bun.sleep(pauseMs);
  }
}

self.onmessage = ({ data }: MessageEvent<{ url: string } | 'reset' | 'read' | 'stop'>) => {
  if (data === 'stop') stopping = true;
  else if (data === 'reset') slowestMs = 0;
  else if (data === 'read') self.postMessage(slowestMs);
  else void probe(data.url);
};
