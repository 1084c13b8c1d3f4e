import { expect, test } from 'bun:test';
import { initializeResult } from '../../../../src/downstream/legacy/initialize.ts';
import { ObjectText } from '../../../../src/json/object.ts';

const description = {
  capabilities: { tools: { listChanged: true } },
  instructions: 'Be brief.',
  gateways: 'a b',
};
const textOf = (params: unknown) => new ObjectText(JSON.stringify(params));

test('initialize describes the gateway, in the requested version', () => {
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
  expect(JSON.parse(initializeResult(textOf(params), description))).toMatchObject({
    protocolVersion: '2025-03-26',
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'mcpstead', version: expect.any(String) },
    instructions: 'Be brief.',
    _meta: { 'mcpstead/gateways': 'a b' },
  });
});

test.each([
  ['initialize: "protocolVersion" must be a string', undefined],
  ['initialize: "protocolVersion" must be a string', {}],
  ['initialize: "protocolVersion" must be a string', { protocolVersion: 20250618 }],
  ['initialize: "capabilities" must be an object', { protocolVersion: '2025-06-18', capabilities: [] }],
  ['initialize: "clientInfo" must be an object', { protocolVersion: '2025-06-18', clientInfo: 'me' }],
])('wrong params are refused: %s', (message, params) => {
  expect(() => initializeResult(params && textOf(params), description)).toThrow(message);
});

test('without instructions the result has none', () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {} };
  expect(
    JSON.parse(initializeResult(textOf(params), { ...description, instructions: '' })),
  ).not.toHaveProperty('instructions');
});
