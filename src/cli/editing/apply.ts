import { GatewayError, messageOf } from '../../errors.ts';
import { realPath } from '../../runtime/real-path.ts';
import { place } from '../place.ts';
import { gatewayLocation } from '../running/gateway-location.ts';
import { findRunningGateway, type RunningGateway } from '../running/running-gateway.ts';
import { Progress } from '../terminal/progress.ts';
import { shownPath } from '../terminal/shown-path.ts';
import { type Configuration, type NewTexts, writeBoth } from './configuration.ts';

/**
 * Writes the files, and reloads the gateway that runs with them. If it refuses them, both files are as they were.
 *
 * @returns what became of the gateway, as a sentence
 */
export async function applyTexts(configuration: Configuration, texts: NewTexts): Promise<string> {
  const { path } = configuration;
  const undo = writeBoth(configuration, texts);
  const gateway = await gatewayServing(path);
  if (gateway === null) return 'No gateway runs with this file; to start one: mcpstead serve';
  try {
    await new Progress().track('reloading the gateway', gateway.post('/-/reload'));
  } catch (error) {
    undo();
    throw new GatewayError(
      'unavailable',
      `${messageOf(error)}\n${shownPath(path, place)} is as it was before`,
    );
  }
  return `The gateway at ${gateway.url} has reloaded.`;
}

/** The running gateway whose configuration is this file, or null. */
export async function gatewayServing(path: string): Promise<RunningGateway | null> {
  try {
    const gateway = await findRunningGateway(gatewayLocation(path, place));
    return gateway?.config && real(gateway.config) === real(path) ? gateway : null;
  } catch (error) {
    // Several others run.
    if (error instanceof GatewayError && error.kind === 'usage') return null;
    throw error;
  }
}

const real = (path: string) => realPath(path) ?? path;
