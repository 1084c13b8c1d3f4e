import { isAscii, isUtf8 } from 'node:buffer';
import { LongText } from '../../json/long-text.ts';
import { maxShortChars } from '../../json/long-values.ts';
import type { Ends } from '../../json/scan.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { Holding, maxFreeBytes } from '../../runtime/byte-budget.ts';
import { OwnedBytes } from '../../runtime/owned-bytes.ts';
import { answerAlone } from './answers.ts';
import { endsIn } from './body-messages.ts';

/**
 * A long response, of which nothing is kept but its bytes: what it was parsed to and its text would stay in memory
 * until it is on its way, at three times its size. Whoever wants them has them made again.
 */
export class LongResponse implements ResponseMessage {
  readonly kind = 'response';
  readonly id: ResponseMessage['id'];
  readonly error: ResponseMessage['error'];
  readonly isError: boolean;
  readonly start: number;
  readonly bytes: OwnedBytes;

  /** @param bytes the text of its result or error in UTF-8 */
  constructor({ id, error, isError, start }: ResponseMessage, bytes: OwnedBytes) {
    this.id = id;
    this.error = error;
    this.isError = isError;
    this.start = start;
    this.bytes = bytes;
  }

  get text(): string {
    return this.bytes.text();
  }
}

/** A long body is so long that only one of its kind is taken apart at a time: the text of each is there for a while, too. */
const minHugeBytes = 4 * 1024 * 1024;

/** What is under way with such a body. */
let taken: Promise<unknown> = Promise.resolve();

/**
 * The answer to our request in bytes that hold nothing else, or undefined where it is not to be found so. What is long even
 * without its longest string is gone through in slices.
 */
export function answerInBytes(
  bytes: OwnedBytes,
  id: number,
): LongResponse | undefined | Promise<LongResponse | undefined> {
  if (bytes.length < minHugeBytes) return answerInText(bytes, textIn(bytes), id);
  const answer = taken.then(() => answerInText(bytes, textIn(bytes), id));
  taken = answer.catch(() => {});
  return answer;
}

/** The text of a body, or most of it, and where in its bytes that stands. */
interface PlacedText {
  readonly text: string;
  place(index: number): number;
}

/** Null where the bytes are no UTF-8, which they have to become first. */
function textIn({ bytes }: OwnedBytes): PlacedText | null {
  if (isAscii(bytes)) return LongText.of(bytes);
  if (!isUtf8(bytes)) return null;
  const text = new OwnedBytes(bytes).text();
  return { text, place: (index) => Buffer.byteLength(text.slice(0, index)) };
}

function answerInText(
  bytes: OwnedBytes,
  placed: PlacedText | null,
  id: number,
): LongResponse | undefined | Promise<LongResponse | undefined> {
  if (placed === null) return undefined;
  const found = (ends?: Ends) => {
    const answer = answerAlone(placed.text, id, ends);
    if (answer === undefined) return undefined;
    const { start, text } = answer;
    return new LongResponse(answer, bytes.part(placed.place(start), placed.place(start + text.length)));
  };
  if (placed.text.length <= maxShortChars) return found();
  // What is wrong with it shows when all of it is looked at.
  return endsIn(placed.text).then(found);
}

/** An answer that came as text, as one of bytes where it is long: then they can be freed when they are sent. */
export function inBytes(answer: ResponseMessage): ResponseMessage {
  if (answer.text.length <= maxFreeBytes || answer.bytes) return answer;
  const bytes = Buffer.from(answer.text);
  const holding = new Holding();
  holding.force(bytes.length);
  return new LongResponse(answer, new OwnedBytes(bytes, holding));
}
