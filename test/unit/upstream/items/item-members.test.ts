import { describe, expect, test } from 'bun:test';
import { ListToolsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { mendedTool } from '../../../../src/upstream/items/item-members.ts';

const inputSchema = '"inputSchema":{"type":"object"}';

describe('what is null or empty in place of an optional member is left out, and all else stays as it came:', () => {
  test.each([
    [`{"name":"a","description":null,${inputSchema}}`, `{"name":"a",${inputSchema}}`],
    [`{ "title" : null , "name":"a",${inputSchema}}`, `{ "name":"a",${inputSchema}}`],
    [`{"name":"a",${inputSchema},"_meta":null}`, `{"name":"a",${inputSchema}}`],
    [`{"name":"a",${inputSchema} , "icons":null, "x":1.0 }`, `{"name":"a",${inputSchema}, "x":1.0 }`],
    [`{"name":"a","title":null,"title":null,${inputSchema},"title":null}`, `{"name":"a",${inputSchema}}`],
    [
      `{"name":"a",${inputSchema},"annotations":{"readOnlyHint":true,"title":null,"openWorldHint":null}}`,
      `{"name":"a",${inputSchema},"annotations":{"readOnlyHint":true}}`,
    ],
    [
      '{"name":"a","inputSchema":{"type":"object","properties":null,"required":null,"$schema":null}}',
      '{"name":"a","inputSchema":{"type":"object"}}',
    ],
    [
      '{"name":"a","inputSchema":{"type":"object","properties":[],"required":{}},"outputSchema":[ ]}',
      '{"name":"a","inputSchema":{"type":"object"}}',
    ],
    [
      `{"name":"a",${inputSchema},"icons":[{"src":"x","mimeType":null},{"src":"y"}]}`,
      `{"name":"a",${inputSchema},"icons":[{"src":"x"},{"src":"y"}]}`,
    ],
    [
      `{"name":"a",${inputSchema},"execution":{"taskSupport":null}}`,
      `{"name":"a",${inputSchema},"execution":{}}`,
    ],
    [`{"name":"a",${inputSchema},"mine":null}`, `{"name":"a",${inputSchema},"mine":null}`],
  ])('%s', (sent, taken) => {
    expect(mendedTool(sent, 'legacy').tool.toString()).toBe(taken);
    expect(ListToolsResultSchema.safeParse({ tools: [JSON.parse(taken)] }).success).toBe(true);
  });
});

describe('half of a character, which the Python SDK refuses, is replaced:', () => {
  const described = (text: string) => `{"name":"a","description":"${text}",${inputSchema}}`;
  test.each([
    ['cut \\ud83d', 'cut \\ufffd'],
    ['\\uDE00 cut', '\\ufffd cut'],
    ['\\ud83d\\ud83d\\ude00\\ud83d\\n', '\\ufffd\\ud83d\\ude00\\ufffd\\n'],
    ['\\\\ud83d \\u0064', '\\\\ud83d \\u0064'],
    ['\\\\\\ud83d', '\\\\\\ufffd'],
    ['😀', '😀'],
  ])('%s', (sent, taken) => {
    expect(mendedTool(described(sent), 'legacy').tool.toString()).toBe(described(taken));
  });

  test('but not in the name, which would be another one then', () => {
    expect(() => mendedTool(`{"name":"a\\ud83d",${inputSchema}}`, 'legacy')).toThrow(
      'its name holds half of a character',
    );
  });
});

test('a tool that nests too deep for the Python SDK is refused', () => {
  const nested = (levels: number) =>
    `{"name":"a",${inputSchema},"_meta":{"b":"[{","c":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;
  expect(mendedTool(nested(128), 'legacy').tool.toString()).toBe(nested(128));
  expect(() => mendedTool(nested(129), 'legacy')).toThrow('it nests more than 128 levels deep');
});

describe('a tool that the SDK refuses is refused, and the error says why:', () => {
  test.each([
    ['null', 'it is null, not an object'],
    ['[]', 'it is an array, not an object'],
    [`{${inputSchema}}`, 'name is missing'],
    [`{"name":7,${inputSchema}}`, 'name is 7, not a string'],
    [`{"name":null,${inputSchema}}`, 'name is null, not a string'],
    ['{"name":"a"}', 'inputSchema is missing'],
    ['{"name":"a","inputSchema":null}', 'inputSchema is null, not an object'],
    ['{"name":"a","inputSchema":true}', 'inputSchema is true, not an object'],
    ['{"name":"a","inputSchema":[]}', 'inputSchema is an array, not an object'],
    ['{"name":"a","inputSchema":{}}', 'inputSchema.type is missing'],
    ['{"name":"a","inputSchema":{"type":null}}', 'inputSchema.type is null, not "object"'],
    ['{"name":"a","inputSchema":{"type":"string"}}', 'inputSchema.type is "string", not "object"'],
    ['{"name":"a","inputSchema":{"type":["object"]}}', 'inputSchema.type is an array, not "object"'],
    [
      '{"name":"a","inputSchema":{"type":"object","properties":{"b":null}}}',
      'inputSchema.properties.b is null, not an object',
    ],
    [
      '{"name":"a","inputSchema":{"type":"object","properties":["b"]}}',
      'inputSchema.properties is an array, not an object',
    ],
    [
      '{"name":"a","inputSchema":{"type":"object","required":true}}',
      'inputSchema.required is true, not an array',
    ],
    [
      '{"name":"a","inputSchema":{"type":"object","required":["b",1]}}',
      'inputSchema.required[1] is 1, not a string',
    ],
    [`{"name":"a",${inputSchema},"description":["b"]}`, 'description is an array, not a string'],
    [`{"name":"a",${inputSchema},"title":1}`, 'title is 1, not a string'],
    [
      `{"name":"a",${inputSchema},"outputSchema":{"type":"array"}}`,
      'outputSchema.type is "array", not "object"',
    ],
    [`{"name":"a",${inputSchema},"annotations":"b"}`, 'annotations is "b", not an object'],
    [
      `{"name":"a",${inputSchema},"annotations":{"readOnlyHint":"true"}}`,
      'annotations.readOnlyHint is "true", not a boolean',
    ],
    [`{"name":"a",${inputSchema},"_meta":["b"]}`, '_meta is an array, not an object'],
    [`{"name":"a",${inputSchema},"icons":{"src":"b"}}`, 'icons is an object, not an array'],
    [`{"name":"a",${inputSchema},"icons":[{}]}`, 'icons[0].src is missing'],
    [
      `{"name":"a",${inputSchema},"icons":[{"src":"b","theme":"blue"}]}`,
      'icons[0].theme is "blue", not "light" or "dark"',
    ],
    [`{"name":"a",${inputSchema},"execution":1}`, 'execution is 1, not an object'],
    [
      `{"name":"a",${inputSchema},"execution":{"taskSupport":"maybe"}}`,
      'execution.taskSupport is "maybe", not "required" or "optional" or "forbidden"',
    ],
    [`{"name":"a",${inputSchema},"title":${'1'.repeat(50)}}`, `title is ${'1'.repeat(40)}…, not a string`],
  ])('%s', (sent, why) => {
    expect(() => mendedTool(sent, 'legacy')).toThrow(why);
    expect(ListToolsResultSchema.safeParse({ tools: [JSON.parse(sent)] }).success).toBe(false);
  });
});
