import type { Place } from '../../config/places.ts';
import type { Config } from '../../config/schema.ts';
import { customaryDirectory } from '../../state/directory.ts';
import { readGatewayFiles } from '../../state/gateway-file.ts';
import { unusable } from './obstacles.ts';

/** Throws a GatewayError that names who listens on the port which the service is about to need. */
export function requireFreePort({ host, port, state_dir }: Config, config: string, place: Place): void {
  if (port === 0 || isFree(host, port)) return;
  const directory = state_dir ?? customaryDirectory(place.env, place.platform);
  const gateway = directory && readGatewayFiles(directory).find((each) => each.port === port);
  if (gateway) {
    const stop = place.platform === 'win32' ? `taskkill /pid ${gateway.pid} /f` : `kill ${gateway.pid}`;
    throw unusable(
      `a gateway that was started by hand runs already at ${gateway.url}, and the service needs its port: stop it ` +
        `(${stop}), then run "mcpstead service install" again`,
    );
  }
  throw unusable(
    `another program listens on ${host} port ${port}, which the service needs: stop it, or write another port into ${config}`,
  );
}

/** Whether nobody listens there. Another obstacle, such as an unknown host, is the gateway's to report. */
function isFree(host: string, port: number): boolean {
  try {
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE';
  }
}
