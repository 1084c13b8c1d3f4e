/** The texts, names and schemas that the official conformance suite expects of a server, shared by the fixtures. */

/** A red pixel, as PNG. */
export const image = {
  type: 'image' as const,
  mimeType: 'image/png',
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
};

/** A WAV file without samples. */
export const audio = {
  type: 'audio' as const,
  mimeType: 'audio/wav',
  data: 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=',
};

export const text = (value: string) => ({ type: 'text' as const, text: value });

export const embedded = (uri: string, value: string, mimeType = 'text/plain') => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text: value },
});

/** Tools that answer the same each time, by their names. */
export const fixedTools = {
  test_simple_text: [text('This is a simple text response for testing.')],
  test_image_content: [image],
  test_audio_content: [audio],
  test_embedded_resource: [embedded('test://embedded-resource', 'This is an embedded resource content.')],
  test_multiple_content_types: [
    text('Multiple content types test:'),
    image,
    embedded('test://mixed-content-resource', '{"test":"data","value":123}', 'application/json'),
  ],
  test_streaming_elicitation: [text('Nothing had to be asked.')],
};

export const failureText = 'This tool intentionally returns an error for testing';

const values = ['value1', 'value2', 'value3'];
const titled = values.map((value, index) => ({ const: value, title: `Choice ${index + 1}` }));
const options = ['option1', 'option2', 'option3'];

/** The schemas of the elicitation tools. SEP-1034 and SEP-1330. */
export const formSchemas = {
  defaults: {
    type: 'object' as const,
    properties: {
      name: { type: 'string' as const, default: 'John Doe' },
      age: { type: 'integer' as const, default: 30 },
      score: { type: 'number' as const, default: 95.5 },
      status: { type: 'string' as const, enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean' as const, default: true },
    },
  },
  enums: {
    type: 'object' as const,
    properties: {
      untitledSingle: { type: 'string' as const, enum: options },
      titledSingle: { type: 'string' as const, oneOf: titled },
      legacyEnum: {
        type: 'string' as const,
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: {
        type: 'array' as const,
        minItems: 1,
        maxItems: 3,
        items: { type: 'string' as const, enum: options },
      },
      titledMulti: { type: 'array' as const, minItems: 1, maxItems: 3, items: { anyOf: titled } },
    },
  },
};

/** A form with one required field. */
export function formOf<const Type extends 'string' | 'boolean'>(field: string, type: Type) {
  return {
    type: 'object' as const,
    properties: { [field]: { type } } as Record<string, { type: Type }>,
    required: [field],
  };
}

/** A schema with the keywords of draft 2020-12 that must survive. SEP-1613 and SEP-2106. */
export const schema2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

/** The resources by their URIs. */
export const resources = {
  'test://static-text': {
    name: 'static-text',
    mimeType: 'text/plain',
    text: 'This is the content of the static text resource.',
  },
  'test://static-binary': { name: 'static-binary', mimeType: 'image/png', blob: image.data },
  'test://watched-resource': { name: 'watched-resource', mimeType: 'text/plain', text: 'Watched content' },
};

export const templateUri = 'test://template/{id}/data';

export function templateContents(uri: string, id: string) {
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(data) }] };
}

const user = <Content>(content: Content) => ({ role: 'user' as const, content });

/** The messages of the prompts, by the names and from the arguments of these. */
export const prompts = {
  test_simple_prompt: () => [user(text('This is a simple prompt for testing.'))],
  test_prompt_with_image: () => [user(image), user(text('Please analyze the image above.'))],
  test_prompt_with_arguments: ({ arg1, arg2 }: Record<string, string>) => [
    user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  ],
  test_prompt_with_embedded_resource: ({ resourceUri = '' }: Record<string, string>) => [
    user(embedded(resourceUri, 'Embedded resource content for testing.')),
    user(text('Please process the embedded resource above.')),
  ],
};

export const promptArguments: Partial<Record<keyof typeof prompts, readonly string[]>> = {
  test_prompt_with_arguments: ['arg1', 'arg2'],
  test_prompt_with_embedded_resource: ['resourceUri'],
};

/** The completions of the beginning of an argument. */
export function completionsOf(beginning: string): string[] {
  return ['123', '124', '200'].filter((value) => value.startsWith(beginning));
}
