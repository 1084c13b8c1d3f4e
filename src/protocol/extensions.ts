/** The ids of extensions that the gateway itself knows. MCP 2026-07-28, Versioning, Extension Negotiation. */
export const tasksExtension = 'io.modelcontextprotocol/tasks';
export const appsExtension = 'io.modelcontextprotocol/ui';
export const skillsExtension = 'io.modelcontextprotocol/skills';
