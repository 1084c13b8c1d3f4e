/** The exit code of the process: 0 success, 1 failure at run time, 2 wrong usage or invalid configuration. */
export type ExitCode = 0 | 1 | 2;
