import { envFilePath } from '../../config/env-file.ts';
import type { Place } from '../../config/places.ts';
import type { ServerConfig } from '../../config/schema.ts';
import { shownTarget } from '../../config/targets.ts';
import { messageOf } from '../../errors.ts';
import { childEnvironment } from '../../process/child-environment.ts';
import { ProcessFailure } from '../../process/process-failure.ts';
import { resolveCommand } from '../../process/program.ts';
import type { Environment } from '../../runtime/environment.ts';
import type { Check } from '../contracts/doctor.ts';
import { good, problem } from './checks.ts';

/** Where a service finds programs. */
interface ServicePath {
  /** Null: no service is installed, or it has the PATH of its manager. */
  readonly path: string | null;
  readonly isInstalled: boolean;
}

/** Where people get the programs that start most servers. */
const installHints: Readonly<Record<string, string>> = {
  npx: 'install Node.js: https://nodejs.org',
  node: 'install Node.js: https://nodejs.org',
  npm: 'install Node.js: https://nodejs.org',
  uvx: 'install uv: https://docs.astral.sh/uv',
  uv: 'install uv: https://docs.astral.sh/uv',
  bunx: 'install Bun: https://bun.com',
  bun: 'install Bun: https://bun.com',
  docker: 'install Docker: https://docs.docker.com/get-docker',
  podman: 'install Podman: https://podman.io',
  deno: 'install Deno: https://deno.com',
};

/** Whether the commands of servers can be started from this shell, and by the service. */
export function commandChecks(servers: readonly ServerConfig[], service: ServicePath, place: Place): Check[] {
  return servers.flatMap((server) => {
    const { name, command } = server;
    if (command === undefined) return [];
    const here = failureOf(server, place.env, place.platform);
    const shown = shownTarget({ command });
    if (here !== null) {
      const fix =
        installHints[shown.replace(/\.(?:exe|cmd)$/i, '')] ??
        'install it, or write its full path into "command"';
      return [problem('commands', here, fix, name)];
    }
    if (
      service.path !== null &&
      failureOf(server, { ...place.env, PATH: service.path }, place.platform) !== null
    )
      return [
        problem(
          'commands',
          `${shown} is on your shell's PATH, not on the service's`,
          'mcpstead service install',
          name,
        ),
      ];
    const where = service.path === null ? 'is on the PATH' : "is on your shell's PATH and on the service's";
    return [good('commands', /[/\\]/.test(command) ? `${shown} is there` : `${shown} ${where}`, name)];
  });
}

/** Why a server's command cannot be found; null: it can. */
function failureOf(
  { command = '', args = [], env = {}, cwd }: ServerConfig,
  own: Environment,
  platform: NodeJS.Platform,
) {
  try {
    const variables = childEnvironment(own, env, null, platform);
    resolveCommand({ command, args, cwd: cwd ?? process.cwd(), env: variables }, platform);
    return null;
  } catch (error) {
    if (!(error instanceof ProcessFailure)) throw error;
    return messageOf(error).replace(/^cannot be started: /, '');
  }
}

/** The variables are there, and nobody else can read them: loading the configuration has shown it. */
export function secretChecks(path: string, hasEnvFile: boolean): Check[] {
  if (!hasEnvFile) return [];
  return [good('configuration', 'only its owner can read it', envFilePath(path).replace(/^.*[/\\]/, ''))];
}
