import { expect, test } from 'bun:test';
import { ServerDescriptions } from '../../../src/downstream/server-description.ts';

test('the gateway offers every kind with a changing list, and what its upstreams have besides', () => {
  const parts = {
    router: { capabilitiesOf: (view: string, era: string) => ({ extensions: { [`${view}/${era}`]: {} } }) },
    registry: { view: (name: string) => (name === 'v' ? { instructions: () => 'Be brief.' } : undefined) },
    gateways: () => 'a b',
  };
  const descriptions = new ServerDescriptions(
    parts as unknown as ConstructorParameters<typeof ServerDescriptions>[0],
  );
  expect(descriptions.of('v', 'modern')).toEqual({
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
      extensions: { 'v/modern': {} },
    },
    instructions: 'Be brief.',
    gateways: 'a b',
  });
  expect(descriptions.of('gone', 'legacy').instructions).toBe('');
});
