import type { Principal } from '../../protocol/caller.ts';
import type { Seal } from '../../state/seal.ts';

/** The longest id that an upstream may give a task, and the longest that a client may send. Both go into a header. */
const maxOwnIdChars = 1_024;
const maxIdChars = 2_048;
const purpose = 'task';

/** A task by the name of its server, and its id there. */
interface TaskName {
  readonly server: string;
  readonly id: string;
}

/**
 * The ids of tasks as clients know them. They contain the task's server and its id there, sealed and bound to the principal whose
 * request made the task, so that they hold in the next process and for nobody else.
 */
export class TaskIds {
  readonly #seal: Seal;

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  /** The id for clients, always the same for one task; null if the upstream's own is too long. */
  qualified(server: string, principal: Principal, id: string): string | null {
    if (id.length > maxOwnIdChars) return null;
    return this.#seal.sealName(purpose, JSON.stringify([server, principal, id]));
  }

  /** The task with an id of a client; null if the id is not ours, or is another principal's. */
  read(qualified: string, principal: Principal): TaskName | null {
    const text = qualified.length > maxIdChars ? null : this.#seal.open(purpose, qualified);
    if (text === null) return null;
    const [server, owner, id] = JSON.parse(text) as [string, Principal, string];
    return owner === principal ? { server, id } : null;
  }
}
