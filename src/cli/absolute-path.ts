/** The absolute path of a file that the command line names. */
export const absolutePath = (path: string): string => Bun.fileURLToPath(Bun.pathToFileURL(path));
