import type { LoadedConfig } from '../../config/load.ts';
import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { Redactor } from '../../observability/redact.ts';
import { connectAll } from '../checking/connect-all.ts';

/** More names of tools are only counted. */
const maxNames = 5;

/**
 * Connects to one server of a configuration that is not written yet, and prints what it offers. Throws `unavailable` with the cause if
 * that fails.
 */
export async function verifyServer(loaded: LoadedConfig, name: string): Promise<void> {
  const redactor = new Redactor();
  redactor.setSecrets(loaded.secrets);
  const servers = loaded.config.servers.filter((server) => server.name === name);
  const { results } = await connectAll({ ...loaded, config: { ...loaded.config, servers } }, redactor);
  const [result] = results;
  if (result === undefined) return;
  const { connected, server, tools } = result.rows;
  if (!result.reachable) {
    throw new GatewayError(
      'unavailable',
      redactor.redact(
        `${name} cannot be connected: ${String(connected).replace(/^no: /, '')}\n` +
          'Nothing is written. To write it all the same, pass --no-verify',
      ),
    );
  }
  const names = result.served?.tools ?? [];
  const shown = names.slice(0, maxNames).join(', ');
  const more = names.length > maxNames ? ', …' : '';
  const how = String(connected).replace(/^yes, /, '');
  const list = names.length === 0 ? '' : `: ${shown}${more}`;
  const lines = [
    `${name}: ${server}, connected ${how}`,
    `${name}: ${tools} ${tools === 1 ? 'tool' : 'tools'}${list}`,
  ];
  output.print(1, redactor.redact(`${lines.join('\n')}\n`));
  for (const { subject, text } of result.warnings)
    output.print(2, redactor.redact(`warning: ${subject}: ${text}\n`));
}
