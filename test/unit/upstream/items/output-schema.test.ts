import { describe, expect, test } from 'bun:test';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { faultOfOutputSchema } from '../../../../src/upstream/items/output-schema.ts';

/** Whether the SDK can make a validator of it. */
function isTaken(schema: object): boolean {
  try {
    new AjvJsonSchemaValidator().getValidator(schema);
    return true;
  } catch {
    return false;
  }
}

const of = (property: unknown, more: object = {}) => ({
  type: 'object',
  properties: { a: property },
  ...more,
});

describe('an output schema that the SDK makes no validator of has a fault:', () => {
  test.each<[object, string]>([
    [of({ type: 'text' }), 'properties.a.type is "text", which is no type'],
    [of({ type: ['string', 5] }), 'properties.a.type is 5, which is no type'],
    [of({ type: null }), 'properties.a.type is null, not of the kind string or array'],
    [of({ nullable: true }), 'properties.a.nullable stands without a type'],
    [of({ type: 'null', nullable: false }), 'properties.a.nullable contradicts the type'],
    [of({ minimum: null }), 'properties.a.minimum is null, not of the kind number'],
    [of({ exclusiveMinimum: true }), 'properties.a.exclusiveMinimum is true, not of the kind number'],
    [of({ required: true }), 'properties.a.required is true, not of the kind array'],
    [of({ enum: [] }), 'properties.a.enum is empty'],
    [of({ enum: null }), 'properties.a.enum is null, not of the kind array'],
    [of({ pattern: '[' }), 'properties.a.pattern is "[", which is no pattern'],
    [of({ pattern: '\\d\\-' }), 'properties.a.pattern is "\\\\d\\\\-", which is no pattern'],
    [of({ properties: null }), 'properties.a.properties is null, not of the kind object'],
    [of({ properties: { b: null } }), 'properties.a.properties.b is null, not a schema'],
    [of({ items: [null] }), 'properties.a.items is null, not a schema'],
    [
      of({ anyOf: [{ type: 'string' }, { format: 7 }] }),
      'properties.a.anyOf.format is 7, not of the kind string',
    ],
    [
      of({}, { additionalProperties: null }),
      'additionalProperties is null, not of the kind object or boolean',
    ],
    [of({}, { patternProperties: { b: null } }), 'patternProperties.b is null, not a schema'],
    [of({ $ref: '#/definitions/b' }), 'properties.a.$ref is "#/definitions/b", which leads nowhere'],
    [of({ $ref: '#b' }), 'properties.a.$ref is "#b", which leads nowhere'],
    [
      of({ $ref: 'https://example.com/b' }),
      'properties.a.$ref is "https://example.com/b", which leads nowhere',
    ],
    [
      of({ $ref: '#/definitions/b~1c%20d' }, { definitions: { 'b/c d': { pattern: '[' } } }),
      '#/definitions/b~1c%20d.pattern is "[", which is no pattern',
    ],
    [of({ $anchor: 'x' }, { items: { $anchor: 'x' } }), '$anchor "x" stands there twice'],
  ])('%j', (schema, fault) => {
    expect(isTaken(schema)).toBe(false);
    expect(faultOfOutputSchema(JSON.stringify(schema))).toBe(fault);
  });
});

describe('an output schema that the SDK makes a validator of has none:', () => {
  test.each<[object]>([
    [
      of({
        type: ['string', 'null'],
        nullable: true,
        pattern: '^[\\w-]+$',

        default: null,
        examples: [null],
      }),
    ],
    [of({ $ref: '#' })],
    [of({ $ref: '#/$defs/b' }, { $defs: { b: { items: { $ref: '#/$defs/b' } }, c: { pattern: '[' } } })],
    [of({ $ref: '#b' }, { $defs: { c: { $anchor: 'b' } } })],
    [of({ $ref: '#/properties/b' }, { properties: { a: { $ref: '#/properties/b' }, b: true } })],
    [of({ $ref: 'http://json-schema.org/draft-07/schema#' })],
    [of({ $ref: 'b' }, { $id: 'https://example.com/a', $defs: { b: { $id: 'b' } } })],
    [of({ items: [{}, true], additionalItems: false, contains: {}, dependencies: { a: ['b'], c: {} } })],
    [of({}, { $schema: 'https://json-schema.org/draft/2020-12/schema', unknown: null, prefixItems: null })],
    [of({ const: null, enum: [null] }, { if: { type: 'object' }, else: {}, not: false, title: 5 })],
  ])('%j', (schema) => {
    expect(isTaken(schema)).toBe(true);
    expect(faultOfOutputSchema(JSON.stringify(schema))).toBe(null);
  });
});

test('a long chain of references is followed to its end', () => {
  const links = Array.from({ length: 20_000 }, (_, i) => [`d${i}`, { $ref: `#/$defs/d${i + 1}` }]);
  const schema = of({ $ref: '#/$defs/d0' }, { $defs: Object.fromEntries(links) });
  expect(faultOfOutputSchema(JSON.stringify(schema))).toBe(
    '#/$defs/d19999.$ref is "#/$defs/d20000", which leads nowhere',
  );
});

describe('an output schema that would take too long to go through has a fault:', () => {
  const groups = (count: number, from = 0) =>
    Array.from({ length: count }, (_, i) => `(?<a${from + i}>x)`).join('');
  test.each<[string, object, string]>([
    ['a long pattern', of({ pattern: groups(200) }), 'properties.a.pattern has more than 1000 characters'],
    [
      'many patterns',
      of({ anyOf: Array.from({ length: 20 }, (_, i) => ({ pattern: groups(60, i) })) }),
      'its patterns have more than 10000 characters together',
    ],
  ])('%s', (_, schema, fault) => {
    expect(faultOfOutputSchema(JSON.stringify(schema))).toBe(fault);
  });
});
