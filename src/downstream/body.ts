import { OwnBytes } from '../protocol/own-bytes.ts';

/** A piece of a body; text is sent in UTF-8, and own bytes are freed when they are sent. */
export type Part = string | Uint8Array | OwnBytes;

/** A body, or the pieces that it consists of, one after the other: what is long is better not joined. */
export type Content = string | readonly Part[];

/**
 * From this length on a body is sent as a stream. Bun sends the head of a response piece by piece, in a dozen packets,
 * when a body of 15 KB or more is answered later than at once; and the pieces need not be joined.
 */
const minLongLength = 15 * 1024;
/** As much is handed over at a time: of what a client does not take at once, Bun makes a copy. */
const sliceLength = 2 * 1024 * 1024;

/** Whether a piece is better left alone than joined with others. */
export function isLong({ length }: Part): boolean {
  return length >= minLongLength;
}

/** The body of a response. */
export function bodyOf(content: Content): string | ReadableStream<Uint8Array> {
  if (typeof content === 'string') return isLong(content) ? streamOf([content]) : content;
  const length = content.reduce((sum, part) => sum + part.length, 0);
  if (length >= minLongLength) return streamOf(content);
  return content.map(textOf).join('');
}

/** The text of a piece. */
export function textOf(part: Part): string {
  if (typeof part === 'string') return part;
  return (part instanceof OwnBytes ? part : new OwnBytes(part)).text();
}

/** A direct stream: what is written goes to the socket, with no queue in between. */
function streamOf(parts: readonly Part[]): ReadableStream<Uint8Array> {
  let gone = false;
  return new ReadableStream<Uint8Array>({
    type: 'direct',
    async pull(client) {
      for (const part of parts) {
        const piece = part instanceof OwnBytes ? part.bytes : part;
        for (let at = 0; at < piece.length && !gone; ) {
          const end = endOfSlice(piece, at);
          const slice = typeof piece === 'string' ? piece.slice(at, end) : piece.subarray(at, end);
          // Where the client does not keep up: a promise, whatever the types say, and settled when it is gone, too.
          await client.write(slice);
          // Or a short piece is copied together with the long one after it.
          client.flush();
          at = end;
        }
        if (part instanceof OwnBytes) part.free();
      }
      if (!gone) client.end();
    },
    cancel() {
      gone = true;
    },
  });
}

/** Where a slice from `at` ends: not within a character. */
function endOfSlice(part: string | Uint8Array, at: number): number {
  const end = Math.min(part.length, at + sliceLength);
  if (typeof part !== 'string' || end === part.length) return end;
  const last = part.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
