import type { Logger } from '../observability/log.ts';
import type { Clock } from '../runtime/deadlines.ts';
import { LastingMap } from './lasting-map.ts';

/** At least so many sessions are remembered, the last ones. */
const keptSessions = 10_000;

/** The file of ended sessions, and the log for problems with it. */
interface EndedSessionsFile {
  readonly path: string;
  readonly logger: Logger;
}

/** The ids of ended sessions, which neither this gateway nor its successor resumes. A file hands them to the successor. */
export class EndedSessions {
  readonly #ids: LastingMap;

  /** @param file with null the ids end with the process */
  constructor(file: EndedSessionsFile | null = null, clock?: Clock) {
    this.#ids = new LastingMap(
      keptSessions,
      file && {
        ...file,
        unreadable: 'the file of ended sessions cannot be read: some of them may be resumed',
        unwritable: 'ended sessions cannot be stored for the next start',
      },
      clock,
    );
  }

  has(id: string): boolean {
    return this.#ids.get(id) !== undefined;
  }

  /** @param forgetAtSeconds when the id expires anyway, in seconds since the epoch */
  add(id: string, forgetAtSeconds: number): void {
    this.#ids.set(id, { value: '', forgetAtSeconds });
  }

  /** Writes the file now if something has changed. Never rejects. */
  flush(): Promise<void> {
    return this.#ids.flush();
  }
}
