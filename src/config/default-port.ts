/** The port of a gateway whose configuration names none. */
export const defaultPort = 8766;
