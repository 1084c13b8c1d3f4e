import { describe, expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import { adaptedTool, wrappedOutput } from '../../../../src/upstream/items/adapted-tool.ts';

const toolWith = (outputSchema: string) =>
  new ObjectText(`{"name":"t","inputSchema":{"type":"object"},"outputSchema":${outputSchema},"title":"T"}`);

/** The output schema of a modern server's tool for legacy clients; undefined if the tool stays the same. */
function legacySchema(outputSchema: string) {
  const text = adaptedTool(toolWith(outputSchema), 'modern');
  return text === null ? undefined : JSON.parse(text).outputSchema;
}

describe('the output schema of a modern server, for legacy clients,', () => {
  test.each([
    '{"type":"object"}',
    '{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}},"$defs":{"N":{}}}',
  ])('stays if it is one for objects: %s', (schema) => {
    expect(legacySchema(schema)).toBeUndefined();
  });

  test('is wrapped in one for objects if it is another; all else stays as it is', () => {
    expect(adaptedTool(toolWith('{"type":"array","maxItems":12345678901234567890}'), 'modern')).toBe(
      '{"name":"t","inputSchema":{"type":"object"},"outputSchema":' +
        '{"type":"object","properties":{"result":{"type":"array","maxItems":12345678901234567890}},"required":["result"]}' +
        ',"title":"T"}',
    );
  });

  test('keeps its dialect at the top', () => {
    const draft7 = 'http://json-schema.org/draft-07/schema#';
    expect(legacySchema(`{"$schema":"${draft7}","type":"number"}`)).toEqual({
      $schema: draft7,
      type: 'object',
      properties: { result: { type: 'number' } },
      required: ['result'],
    });
  });

  test('has its references to itself moved, but no values that look like them', () => {
    const schema = {
      anyOf: [{ $ref: '#/$defs/Node' }, { $ref: '#' }, { const: { $ref: '#' } }],
      properties: { default: { $ref: '#' } },
      $defs: { Node: { type: 'array', items: { $ref: '#/$defs/Node' }, default: [{ $ref: '#/x' }] } },
    };
    expect(legacySchema(JSON.stringify(schema)).properties.result).toEqual({
      anyOf: [
        { $ref: '#/properties/result/$defs/Node' },
        { $ref: '#/properties/result' },
        { const: { $ref: '#' } },
      ],
      properties: { default: { $ref: '#/properties/result' } },
      $defs: {
        Node: {
          type: 'array',
          items: { $ref: '#/properties/result/$defs/Node' },
          default: [{ $ref: '#/x' }],
        },
      },
    });
  });

  test('is left out if their validators cannot compile it', () => {
    for (const schema of [
      '{"type":"object","pattern":7}',
      '{"type":"array","items":{"$ref":"#/$defs/No"}}',
    ]) {
      const text = adaptedTool(toolWith(schema), 'modern');
      expect(text).toBe('{"name":"t","inputSchema":{"type":"object"},"title":"T"}');
    }
  });
});

test('a tool without an output schema is the same for all', () => {
  const tool = new ObjectText('{"name":"t","inputSchema":{"type":"object"}}');
  expect([adaptedTool(tool, 'modern'), adaptedTool(tool, 'legacy')]).toEqual([null, null]);
});

test('what a legacy server says of tasks is left out for modern clients', () => {
  const tool = new ObjectText('{"name":"t","execution":{"taskSupport":"optional"},"title":"T"}');
  expect(adaptedTool(tool, 'legacy')).toBe('{"name":"t","title":"T"}');
});

describe('structured content for legacy clients', () => {
  test.each([
    ['[1]', false, '{"result":[1]}'],
    ['null', false, '{"result":null}'],
    ['"a"', true, '{"result":"a"}'],
    ['{"a":1}', false, '{"a":1}'],
    ['{"a":1}', true, '{"result":{"a":1}}'],
    ['{"result":[1]}', true, '{"result":[1]}'],
    ['{"result":1,"b":2}', true, '{"result":{"result":1,"b":2}}'],
  ])('%s, with a wrapped schema: %p, is %s', (content, isSchemaWrapped, expected) => {
    const result = new ObjectText(`{"content":[],"structuredContent":${content},"x":1.0}`);
    expect(wrappedOutput(result, isSchemaWrapped)).toBe(
      `{"content":[],"structuredContent":${expected},"x":1.0}`,
    );
  });

  test('may be absent', () => {
    expect(wrappedOutput(new ObjectText('{"content":[]}'), true)).toBe('{"content":[]}');
  });
});
