import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { EndedSessions } from './ended-sessions.ts';
import { makeDirectory, randomKey, readOrMakeKey, stateKeyVariable } from './key.ts';
import { Seal } from './seal.ts';

/** What a gateway hands on to its successor. */
export interface State {
  /** Seals what clients keep for the gateway. */
  readonly seal: Seal;
  readonly endedSessions: EndedSessions;
}

/** Where the state is. */
export interface StatePlace {
  /** As configured: null means the customary one. */
  readonly directory: string | null;
  /** The key of the environment, in place of the one in the directory. */
  readonly key: Uint8Array | null;
  /** The port that is configured: gateways of several ports share the directory. 0: nobody finds this one again. */
  readonly port: number;
}

/** A state that ends with the process. */
export function volatileState(): State {
  return { seal: new Seal(randomKey()), endedSessions: new EndedSessions() };
}

/** The state that the gateway's predecessor left; where that is not to be had, one of this process, with a warning. */
export function openState({ directory, key, port }: StatePlace, logger: Logger): State {
  const path = directory ?? customaryDirectory(process.env, process.platform);
  try {
    if (path === null) throw new Error('there is no place for it; set state_dir, or HOME');
    makeDirectory(path);
    const ownKey = key ?? readOrMakeKey(path, logger);
    const file = port === 0 ? null : { path: `${path}/ended-sessions-${port}`, logger };
    return { seal: new Seal(ownKey), endedSessions: new EndedSessions(file) };
  } catch (error) {
    const cause = messageOf(error);
    if (key) {
      const what =
        'the state directory cannot be used: sessions that have ended are remembered by this process only';
      logger.warn(what, { cause });
      return { seal: new Seal(key), endedSessions: new EndedSessions() };
    }
    const what = `the state directory cannot be used: client sessions do not survive a restart; set state_dir or ${stateKeyVariable}`;
    logger.warn(what, { cause });
    return volatileState();
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where programs of this kind keep their state: what systemd says (systemd.exec(5), STATE_DIRECTORY), else as the XDG Base
 * Directory Specification or Windows have it. Null where the environment tells nothing of it.
 */
export function customaryDirectory(env: Environment, platform: NodeJS.Platform): string | null {
  // Of several directories of a unit, the first.
  const [given] = (env.STATE_DIRECTORY ?? '').split(platform === 'win32' ? ';' : ':');
  if (given) return given;
  // The specification has a relative path ignored.
  if (env.XDG_STATE_HOME?.startsWith('/')) return `${env.XDG_STATE_HOME}/mcpstead`;
  if (platform === 'win32') return env.LOCALAPPDATA ? `${env.LOCALAPPDATA}\\mcpstead` : null;
  return env.HOME ? `${env.HOME}/.local/state/mcpstead` : null;
}
