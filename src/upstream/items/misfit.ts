/** An item that clients would refuse. The message says what is wrong with it, and quotes it. */
export class Misfit extends Error {}
