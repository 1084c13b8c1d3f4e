// Modules of Node that few gateways need. A static import is loaded before the first line of the program, and each of
// these would add 2 to 12 ms to every start (docs/performance.md#lazy-start).

/** For sealed data. */
export const nodeCrypto = () => process.getBuiltinModule('node:crypto');
/** For process metrics and the state directory. */
export const nodeFiles = () => process.getBuiltinModule('node:fs/promises');
/** For addresses, networks and connections through a proxy. */
export const nodeNet = () => process.getBuiltinModule('node:net');
/** For the shell of an account, and the folder for temporary files. */
export const nodeOs = () => process.getBuiltinModule('node:os');
/** For questions on a terminal. */
export const nodeReadline = () => process.getBuiltinModule('node:readline/promises');
/** For questions on a terminal. */
export const nodeStream = () => process.getBuiltinModule('node:stream');
/** For TLS through a proxy. */
export const nodeTls = () => process.getBuiltinModule('node:tls');
/** For a log on a terminal. */
export const nodeTty = () => process.getBuiltinModule('node:tty');
/** For compressed bodies. */
export const nodeZlib = () => process.getBuiltinModule('node:zlib');
