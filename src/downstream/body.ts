/** A piece of a body; text is sent in UTF-8. */
export type Part = string | Uint8Array;

/** A body, or the pieces that it consists of, one after the other: what is long is better not joined. */
export type Content = string | readonly Part[];

/**
 * From this length on a body is sent as a stream. Bun sends the head of a response piece by piece, in a dozen packets,
 * when a body of 15 KB or more is answered later than at once; and the pieces need not be joined.
 */
const minLongLength = 15 * 1024;
/** As much is handed over at a time: of what a client does not take at once, Bun makes a copy. */
const sliceLength = 512 * 1024;

/** Whether a piece is better left alone than joined with others. */
export function isLong({ length }: Part): boolean {
  return length >= minLongLength;
}

/** The body of a response. */
export function bodyOf(content: Content): string | Uint8Array | ReadableStream<Uint8Array> {
  if (typeof content === 'string') return isLong(content) ? streamOf([content]) : content;
  const length = content.reduce((sum, part) => sum + part.length, 0);
  if (length >= minLongLength) return streamOf(content);
  return Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

/** A direct stream: what is written goes to the socket, with no queue in between. */
function streamOf(parts: readonly Part[]): ReadableStream<Uint8Array> {
  let gone = false;
  return new ReadableStream<Uint8Array>({
    type: 'direct',
    async pull(client) {
      for (const part of parts) {
        for (let at = 0; at < part.length && !gone; ) {
          const end = endOfSlice(part, at);
          const slice = typeof part === 'string' ? part.slice(at, end) : part.subarray(at, end);
          // The client does not keep up: a promise, whatever the types say, and settled when it is gone, too.
          await client.write(slice);
          // Or a short piece is copied together with the long one after it.
          client.flush();
          at = end;
        }
      }
      if (!gone) client.end();
    },
    cancel() {
      gone = true;
    },
  });
}

/** Where a slice from `at` ends: not within a character. */
function endOfSlice(part: Part, at: number): number {
  const end = Math.min(part.length, at + sliceLength);
  if (typeof part !== 'string' || end === part.length) return end;
  const last = part.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
