import { describe, expect, test } from 'bun:test';
import { missingCapability } from '../../../src/protocol/client-capabilities.ts';

const missing = (
  capabilities: object,
  method: Parameters<typeof missingCapability>[1],
  params: object = {},
) => missingCapability(JSON.stringify(capabilities), method, JSON.stringify(params));

describe('a client can answer', () => {
  test.each([
    ['roots', { roots: {} }, 'roots/list', {}, null],
    ['no roots undeclared', { sampling: {} }, 'roots/list', {}, 'roots'],
    ['sampling', { sampling: {} }, 'sampling/createMessage', {}, null],
    ['no sampling undeclared', { roots: {} }, 'sampling/createMessage', {}, 'sampling'],
    [
      'no tools in sampling undeclared',
      { sampling: {} },
      'sampling/createMessage',
      { tools: [] },
      'sampling.tools',
    ],
    [
      'no choice of tools in sampling undeclared',
      { sampling: {} },
      'sampling/createMessage',
      { toolChoice: {} },
      'sampling.tools',
    ],
    ['tools in sampling', { sampling: { tools: {} } }, 'sampling/createMessage', { tools: [] }, null],
    ['a form, with an empty capability', { elicitation: {} }, 'elicitation/create', {}, null],
    ['a form by its name', { elicitation: { form: {} } }, 'elicitation/create', { mode: 'form' }, null],
    ['no form, with URLs alone', { elicitation: { url: {} } }, 'elicitation/create', {}, 'elicitation.form'],
    [
      'no URL, with an empty capability',
      { elicitation: {} },
      'elicitation/create',
      { mode: 'url' },
      'elicitation.url',
    ],
    ['a URL', { elicitation: { url: {} } }, 'elicitation/create', { mode: 'url' }, null],
    ['no elicitation undeclared', {}, 'elicitation/create', {}, 'elicitation'],
    ['no unknown mode', { elicitation: {} }, 'elicitation/create', { mode: 'voice' }, 'elicitation.voice'],
  ] as const)('%s', (_, capabilities, method, params, expected) => {
    expect(missing(capabilities, method, params)).toBe(expected);
  });
});
