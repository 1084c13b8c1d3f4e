import { describe, expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import { paramHeaders, ToolHeaders } from '../../../../src/upstream/modern/param-headers.ts';

/** A tool with these properties. */
function tool(properties: object, more: object = {}): ObjectText {
  return new ObjectText(JSON.stringify({ name: 't', inputSchema: { type: 'object', properties, ...more } }));
}

/** The headers of a call of that tool. */
function headersOf(listed: ObjectText, args: unknown) {
  const headers = new ToolHeaders();
  headers.add(listed);
  const parameters = headers.of('t');
  return parameters && paramHeaders(parameters, ObjectText.of(JSON.stringify(args ?? null)));
}

const annotated = (type: string, name = 'Value') => ({ type, 'x-mcp-header': name });

describe('the headers of a call', () => {
  test.each([
    ['plain', { type: 'string' }, 'us-west1', 'us-west1'],
    ['not ASCII', { type: 'string' }, 'Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    ['blanks around it', { type: 'string' }, ' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['a line break', { type: 'string' }, 'line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    [
      'the form of an encoded one',
      { type: 'string' },
      '=?base64?literal?=',
      '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=',
    ],
    ['an integer', { type: 'integer' }, -7, '-7'],
    ['a boolean', { type: 'boolean' }, true, 'true'],
  ])('repeat an annotated argument: %s', (_what, schema, value, header) => {
    const listed = tool({ value: { ...schema, 'x-mcp-header': 'Value' } });
    expect(headersOf(listed, { value })).toEqual({ 'mcp-param-value': header });
  });

  test.each([[null], [undefined], [[1]], [{ a: 1 }], [2 ** 53]])('leave out the value %p', (value) => {
    expect(headersOf(tool({ value: annotated('string') }), { value })).toEqual({});
  });

  test('repeat nested arguments, under the name of the annotation', () => {
    const properties = {
      where: { type: 'object', properties: { region: annotated('string', 'Region') } },
      method: annotated('string', 'Method'),
      query: { type: 'string' },
    };
    expect(headersOf(tool(properties), { where: { region: 'eu' }, method: 'm', query: 'q' })).toEqual({
      'mcp-param-region': 'eu',
      'mcp-param-method': 'm',
    });
    expect(headersOf(tool(properties), { where: 'eu' })).toEqual({});
    expect(headersOf(tool(properties), undefined)).toEqual({});
  });

  test('are none for properties that have the name of the annotation', () => {
    const properties = { 'x-mcp-header': { type: 'string' } };
    const listed = tool({ ...properties, list: { type: 'array', items: { type: 'object', properties } } });
    expect(headersOf(listed, { 'x-mcp-header': 'a' })).toBeUndefined();
  });

  test('are none for a tool without annotations, and for one that is not listed', () => {
    expect(headersOf(tool({ value: { type: 'string' } }), { value: 'a' })).toBeUndefined();
    expect(new ToolHeaders().of('t')).toBeUndefined();
  });
});

test('a newer list replaces the last one', () => {
  const [headers, newer] = [new ToolHeaders(), new ToolHeaders()];
  headers.add(tool({ value: annotated('string', 'Old') }));
  newer.add(tool({ value: annotated('string', 'New') }));
  headers.replaceBy(newer);
  expect(headers.of('t')).toEqual([{ header: 'mcp-param-new', path: ['value'] }]);
});

describe('a tool is not used over HTTP', () => {
  const place = 'is not at a parameter that only "properties" lead to';
  test.each([
    [
      `its x-mcp-header "Value" ${place}`,
      tool({}, { anyOf: [{ properties: { default: annotated('string') } }] }),
    ],
    [`its x-mcp-header "Value" ${place}`, tool({}, { $defs: { enum: annotated('string') } })],
    ['its x-mcp-header "" is not the name of a header', tool({ value: annotated('string', '') })],
    [
      'its x-mcp-header "My Region" is not the name of a header',
      tool({ v: annotated('string', 'My Region') }),
    ],
    ['its x-mcp-header "a:b" is not the name of a header', tool({ v: annotated('string', 'a:b') })],
    ['its x-mcp-header "Région" is not the name of a header', tool({ v: annotated('string', 'Région') })],
    ['its x-mcp-header "a\\tb" is not the name of a header', tool({ v: annotated('string', 'a\tb') })],
    ['its x-mcp-header 7 is not the name of a header', tool({ v: { type: 'string', 'x-mcp-header': 7 } })],
    [
      'its x-mcp-header "Value" is at a parameter that is neither a string, an integer nor a boolean',
      tool({ v: annotated('number') }),
    ],
    [
      'its x-mcp-header "Value" is at a parameter that is neither a string, an integer nor a boolean',
      tool({ v: annotated('object') }),
    ],
    [
      'its x-mcp-header "myfield" is used twice',
      tool({ a: annotated('string', 'MyField'), b: annotated('string', 'myfield') }),
    ],
    [`its x-mcp-header "Value" ${place}`, tool({ v: { type: 'array', items: annotated('string') } })],
    [`its x-mcp-header "Value" ${place}`, tool({ v: { anyOf: [annotated('string')] } })],
    [`its x-mcp-header "Value" ${place}`, tool({}, { $defs: { v: annotated('string') } })],
    [`its x-mcp-header "Value" ${place}`, tool({}, { 'x-mcp-header': 'Value' })],
    [
      `its x-mcp-header "Value" ${place}`,
      tool({ v: { type: 'array', items: { properties: { w: annotated('string') } } } }),
    ],
  ])('because %s', (why, listed) => {
    expect(() => new ToolHeaders().add(listed)).toThrow(why);
  });
});

test('an example that looks like an annotation is none', () => {
  const listed = tool({
    v: { type: 'object', default: annotated('number'), examples: [annotated('number')] },
  });
  expect(headersOf(listed, { v: {} })).toBeUndefined();
});
