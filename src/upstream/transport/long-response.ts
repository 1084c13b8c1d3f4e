import type { ResponseMessage } from '../../protocol/jsonrpc.ts';
import type { OwnBytes } from '../../protocol/own-bytes.ts';

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
  readonly bytes: OwnBytes;

  /** @param bytes the response's text in ASCII */
  constructor({ id, error, isError, start }: ResponseMessage, bytes: OwnBytes) {
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
