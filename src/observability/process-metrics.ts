import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { descriptors } from '../runtime/descriptors.ts';
import type { Families } from './series.ts';

/** Adds the families of this process. Outside of Linux, those that come from `/proc` are absent: a 0 would be wrong. */
export function addProcessFamilies(families: Families): void {
  const gauge = (name: string, help: string, read: () => number | null) =>
    families.add('gauge', `mcpstead_process_${name}`, help, () => {
      const value = read();
      return value === null ? [] : [{ value }];
    });

  gauge('resident_memory_bytes', 'Resident memory size.', () =>
    descriptors.use(() => process.memoryUsage.rss()),
  );
  families.add(
    'counter',
    'mcpstead_process_cpu_seconds_total',
    'CPU time spent in user and system mode.',
    () => {
      const { user, system } = process.cpuUsage();
      return [{ value: (user + system) / 1e6 }];
    },
  );

  if (!existsSync('/proc/self/status')) return;
  gauge('virtual_memory_bytes', 'Virtual memory size.', () => {
    const kibibytes = numberIn('/proc/self/status', /^VmSize:\s+(\d+) kB$/m);
    return kibibytes === null ? null : kibibytes * 1024;
  });
  gauge('threads', 'Threads of the process.', () => numberIn('/proc/self/status', /^Threads:\s+(\d+)$/m));
  // Since Linux 6.2 the size of the folder is the number of its entries, which saves opening it.
  gauge(
    'open_fds',
    'Open file descriptors.',
    () => statSync('/proc/self/fd').size || descriptors.use(() => readdirSync('/proc/self/fd').length - 1),
  );
  gauge('max_fds', 'Limit of open file descriptors (soft limit).', () =>
    numberIn('/proc/self/limits', /^Max open files\s+(\d+)/m),
  );
}

/** The number that `pattern` captures in a file, or null. */
function numberIn(path: string, pattern: RegExp): number | null {
  const match = pattern.exec(descriptors.use(() => readFileSync(path, 'latin1')));
  return match?.[1] === undefined ? null : Number(match[1]);
}
