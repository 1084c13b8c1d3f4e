// Publishes dist/npm: `npm run publish:npm -- [arguments for npm publish]`. Can be rerun after a failure.
import { dist, version } from './checkout.ts';
import { launcherPackage, targets } from './targets.ts';

const npmArguments = process.argv.slice(2);
const at = npmArguments.findIndex((argument) => /^--registry(=|$)/.test(argument));
const registry = at < 0 ? [] : npmArguments.slice(at, at + (npmArguments[at] === '--registry' ? 2 : 1));

function npm(args: readonly string[], output: 'inherit' | 'ignore'): boolean {
  const command = process.platform === 'win32' ? ['cmd', '/c', 'npm', ...args] : ['npm', ...args];
  return Bun.spawnSync(command, { cwd: dist, stdio: ['inherit', output, output] }).success;
}

// The launcher comes last, so that all platform packages exist when it is installed.
const packages = [
  ...targets.map((target) => ({ name: target.npmPackage, folder: target.name })),
  { name: launcherPackage, folder: 'mcpstead' },
];
for (const { name, folder } of packages) {
  if (npm(['view', `${name}@${version}`, 'version', ...registry], 'ignore')) {
    console.log(`${name}@${version} is published already`);
  } else if (!npm(['publish', `./npm/${folder}`, ...npmArguments], 'inherit')) {
    console.error(`publish: ${name}@${version} failed; rerun to continue from here`);
    process.exit(1);
  }
}
