import { z } from 'zod';
import { callContract } from './call.ts';
import { checkContract } from './check.ts';
import { connectContract, connectListContract, disconnectContract } from './connect.ts';
import { doctorContract } from './doctor.ts';
import { importContract } from './import.ts';
import { logsContract } from './logs.ts';
import { serviceContract } from './service.ts';
import { statusContract } from './status.ts';
import { toolsContract } from './tools.ts';

/** What the commands print with `--json`, by their names. Fields are only ever added. */
const contracts = {
  call: callContract,
  check: checkContract,
  connect: connectContract,
  'connect-list': connectListContract,
  disconnect: disconnectContract,
  doctor: doctorContract,
  import: importContract,
  logs: logsContract,
  service: serviceContract,
  status: statusContract,
  tools: toolsContract,
} as const satisfies Record<string, z.ZodType>;

/** The names of the commands with a contract. */
export const contractNames = Object.keys(contracts) as (keyof typeof contracts)[];

const base = 'https://raw.githubusercontent.com/ahkohd/mcpstead/main/docs/schemas';

/** The contract of a command as a JSON Schema (draft 2020-12). Objects may have further members: those of later versions. */
export function contractSchema(name: keyof typeof contracts): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(contracts[name], { io: 'input' });
  return {
    $schema,
    $id: `${base}/${name}.json`,
    title: `mcpstead ${name.replace('-', ' --')} --json`,
    ...schema,
  };
}
