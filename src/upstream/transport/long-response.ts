import { isAscii, isUtf8 } from 'node:buffer';
import { LongText } from '../../json/long-text.ts';
import { maxShortChars } from '../../json/long-values.ts';
import type { Ends } from '../../json/scan.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { Holding, maxFreeBytes } from '../../runtime/byte-budget.ts';
import { OwnedBytes } from '../../runtime/owned-bytes.ts';
import { answerAlone } from './answers.ts';
import { endsIn } from './body-messages.ts';

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
): ResponseMessage | undefined | Promise<ResponseMessage | undefined> {
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
  const text = new OwnedBytes(bytes).toString();
  return { text, place: (index) => Buffer.byteLength(text.slice(0, index)) };
}

function answerInText(
  bytes: OwnedBytes,
  placed: PlacedText | null,
  id: number,
): ResponseMessage | undefined | Promise<ResponseMessage | undefined> {
  if (placed === null) return undefined;
  const found = (ends?: Ends) => {
    const answer = answerAlone(placed.text, id, ends);
    if (answer === undefined) return undefined;
    const { start, payload } = answer;
    // Nothing but its bytes is kept: the text would take twice as much memory until the response is sent.
    const part = bytes.part(placed.place(start), placed.place(start + payload.length));
    return { ...answer, payload: part };
  };
  if (placed.text.length <= maxShortChars) return found();
  // What is wrong with it shows when all of it is looked at.
  return endsIn(placed.text).then(found);
}

/** An answer that came as text, as one of bytes where it is long: then they can be freed when they are sent. */
export function inBytes(answer: ResponseMessage): ResponseMessage {
  const { payload } = answer;
  if (typeof payload !== 'string' || payload.length <= maxFreeBytes) return answer;
  const bytes = Buffer.from(payload);
  const holding = new Holding();
  holding.force(bytes.length);
  return { ...answer, payload: new OwnedBytes(bytes, holding) };
}
