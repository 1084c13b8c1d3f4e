import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { customaryDirectory } from './directory.ts';
import { EndedSessions } from './ended-sessions.ts';
import { makeDirectory, randomKey, readOrMakeKey, stateKeyVariable } from './key.ts';
import { LastingMap } from './lasting-map.ts';
import { Seal } from './seal.ts';

/** The state that a gateway leaves to its successor. */
export interface State {
  /** Seals the data that clients keep for the gateway. */
  readonly seal: Seal;
  readonly endedSessions: EndedSessions;
  /** The eras that commands of servers were found to speak. */
  readonly commandEras: LastingMap;
  /** The directory for what outlives the process; null: there is none. */
  readonly directory: string | null;
}

/** The location of the state. */
interface StatePlace {
  /** As configured; null stands for the customary one. */
  readonly directory: string | null;
  /** The key from the environment, which replaces the one in the directory. */
  readonly key: Uint8Array | null;
  /** The configured port, because gateways on several ports share the directory. With 0 no successor can find the state. */
  readonly port: number;
}

/** How many commands of servers are remembered at least. */
const keptCommands = 1_000;

/** A state that ends with the process. @param key null for a random one */
export function volatileState(key: Uint8Array | null = null): State {
  return {
    seal: new Seal(key ?? randomKey()),
    endedSessions: new EndedSessions(),
    commandEras: commandEras(null),
    directory: null,
  };
}

/** Opens the state that a predecessor left. If that fails, logs a warning and returns a state that ends with the process. */
export function openState({ directory, key, port }: StatePlace, logger: Logger): State {
  const path = directory ?? customaryDirectory(process.env, process.platform);
  try {
    if (path === null) throw new Error('there is no default directory; set state_dir or HOME');
    makeDirectory(path);
    const ownKey = key ?? readOrMakeKey(path, logger);
    const file = (name: string) => (port === 0 ? null : { path: `${path}/${name}-${port}`, logger });
    return {
      seal: new Seal(ownKey),
      endedSessions: new EndedSessions(file('ended-sessions')),
      commandEras: commandEras(file('command-eras')),
      directory: path,
    };
  } catch (error) {
    const loss = key
      ? 'ended sessions are forgotten at a restart'
      : `client sessions do not survive a restart; set state_dir or ${stateKeyVariable}`;
    logger.warn(`the state directory cannot be used: ${loss}`, { cause: messageOf(error) });
    return volatileState(key);
  }
}

function commandEras(file: { path: string; logger: Logger } | null): LastingMap {
  return new LastingMap(
    keptCommands,
    file && {
      ...file,
      unreadable: 'the file of the eras of commands cannot be read: servers on stdio may be started twice',
      unwritable: 'the eras of commands cannot be stored for the next start',
    },
  );
}
