/**
 * The words that start this program again, before its own arguments: the compiled program, or Bun and the sources. All paths are
 * absolute.
 */
export function ownProgram(execPath = process.execPath, main = Bun.main): readonly string[] {
  // Where a compiled program finds its own sources.
  const isCompiled = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/i.test(main);
  return isCompiled ? [execPath] : [execPath, main];
}
