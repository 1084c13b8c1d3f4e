// Modules of Node that few gateways ever need. Whatever is imported anywhere is loaded before the program's first
// line, and each of these would make every start 2 to 12 ms longer.

/** For what is sealed. */
export const nodeCrypto = () => process.getBuiltinModule('node:crypto');
/** For the metrics of the process, and for what is kept in the state directory. */
export const nodeFiles = () => process.getBuiltinModule('node:fs/promises');
/** For addresses and networks, and for connections through a proxy. */
export const nodeNet = () => process.getBuiltinModule('node:net');
/** For TLS through a proxy. */
export const nodeTls = () => process.getBuiltinModule('node:tls');
/** For a log that goes to a terminal. */
export const nodeTty = () => process.getBuiltinModule('node:tty');
/** For bodies that come compressed. */
export const nodeZlib = () => process.getBuiltinModule('node:zlib');
