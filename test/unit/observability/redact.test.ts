import { describe, expect, test } from 'bun:test';
import { displayUrl, Redactor, sanitizeReason } from '../../../src/observability/redact.ts';

function redactorOf(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  redactor.setSecrets(secrets);
  return redactor;
}

describe('a redactor', () => {
  test('replaces every occurrence of every secret', () => {
    const redactor = redactorOf('hunter2hunter2', 'tok_abc');

    expect(redactor.redact('hunter2hunter2, tok_abc and tok_abc again')).toBe(
      '[redacted], [redacted] and [redacted] again',
    );
  });

  test('does not change text without a secret', () => {
    expect(redactorOf('tok_abc').redact('an ordinary line')).toBe('an ordinary line');
    expect(new Redactor().redact('no secrets are set')).toBe('no secrets are set');
  });

  test('replaces a secret as a whole if another one is its beginning', () => {
    expect(redactorOf('secret', 'secret-and-more').redact('x=secret-and-more')).toBe('x=[redacted]');
  });

  test('matches a secret literally, not as a pattern', () => {
    const redactor = redactorOf('a.*b|(c)[d]$^\\');

    expect(redactor.redact('a.*b|(c)[d]$^\\')).toBe('[redacted]');
    expect(redactor.redact('axxb')).toBe('axxb');
  });

  test('forgets the old secrets when new ones are set', () => {
    const redactor = redactorOf('old-secret');
    redactor.setSecrets(['new-secret']);

    expect(redactor.redact('old-secret new-secret')).toBe('old-secret [redacted]');
  });

  test('keeps the latest thousand secrets when others are added', () => {
    const redactor = redactorOf('first-secret');
    const more = Array.from({ length: 999 }, (_, i) => `secret-number-${i}`);
    redactor.addSecrets(more);
    expect(redactor.redact('first-secret secret-number-7')).toBe('[redacted] [redacted]');
    redactor.addSecrets(['last-secret']);
    expect(redactor.redact('first-secret secret-number-7 last-secret')).toBe(
      'first-secret [redacted] [redacted]',
    );
  });

  test('hides a secret of less than eight characters as a whole word only', () => {
    const redactor = redactorOf('test');

    expect(redactor.redact('test, "test" (test) x=test&y latest tests test1')).toBe(
      '[redacted], "[redacted]" ([redacted]) x=[redacted]&y latest tests test1',
    );
    expect(redactor.redact('{"a":"\\ntest\\n"} ?a=%20test%20')).toBe(
      '{"a":"\\n[redacted]\\n"} ?a=%20[redacted]%20',
    );
  });

  test('leaves values of less than four characters visible: hiding them would garble ordinary text', () => {
    expect(redactorOf('on', 'abc', '').redact('on abc, once')).toBe('on abc, once');
    expect(redactorOf('abcd').redact('abcd')).toBe('[redacted]');
  });

  test('hides a secret without the line break at its end', () => {
    expect(redactorOf('tok_abc\n').redact('Bearer tok_abc')).toBe('Bearer [redacted]');
  });

  describe('knows a secret', () => {
    const secret = 'pä"ss/w\\ord +1!';
    const redactor = redactorOf(secret);

    test.each([
      ['escaped as JSON', JSON.stringify({ secret }), '{"secret":"[redacted]"}'],
      ['escaped as JSON in ASCII, with escaped slashes', '"p\\u00E4\\"ss\\/w\\\\ord +1!"', '"[redacted]"'],
      ['escaped as JSON in ASCII', '"p\\u00e4\\"ss/w\\\\ord +1!"', '"[redacted]"'],
      ['escaped as JSON with escaped slashes', '"pä\\"ss\\/w\\\\ord +1!"', '"[redacted]"'],
      ['in JSON within JSON', JSON.stringify(JSON.stringify(secret)), '"\\"[redacted]\\""'],
      ['percent-encoded', `?key=${encodeURIComponent(secret)}&x`, '?key=[redacted]&x'],
      ['percent-encoded in lower case', '?key=p%c3%a4%22ss%2fw%5cord%20%2b1!', '?key=[redacted]'],
      ['percent-encoded strictly', '?key=p%C3%A4%22ss%2Fw%5Cord%20%2B1%21', '?key=[redacted]'],
      ['as in a form', new URLSearchParams({ key: secret }).toString(), 'key=[redacted]'],
      ['in Base64', `Basic ${Buffer.from(secret).toString('base64')}`, 'Basic [redacted]'],
      ['in Base64 for URLs', Buffer.from(secret).toString('base64url'), '[redacted]'],
    ])('%s', (_, text, expected) => {
      expect(redactor.redact(text)).toBe(expected);
    });
  });

  test('treats the edge of a short secret that is not a letter or digit as a word boundary', () => {
    expect(redactorOf('+a1b!').redact('x+a1b!y')).toBe('x[redacted]y');
    expect(redactorOf('a1b!').redact('a1b!y xa1b!')).toBe('[redacted]y xa1b!');
  });

  describe('knows a secret with any of its characters escaped:', () => {
    const secret = 'sek+ret"</ü🙂&1';
    const redactor = redactorOf(secret);
    const units = Array.from(secret, (character) => character);
    const each = (write: (character: string) => string) => units.map(write).join('');
    const codes = (text: string, write: (code: number) => string) =>
      Array.from({ length: text.length }, (_, i) => write(text.charCodeAt(i))).join('');
    const hex = (code: number) => code.toString(16).padStart(4, '0');
    const json = (text: string) => codes(text, (code) => `\\u${hex(code)}`);
    const bytes = (text: string) => [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0'));

    test.each([
      ['JSON as of .NET', '"sek\\u002Bret\\u0022\\u003C/\\u00FC\\uD83D\\uDE42\\u00261"', '"[redacted]"'],
      ['JSON as of Go', '"sek+ret\\"\\u003c/ü🙂\\u00261"', '"[redacted]"'],
      ['JSON, the letters, too', `"${json(secret)}"`, '"[redacted]"'],
      [
        'JSON, every second character',
        `"${each((c) => (units.indexOf(c) % 2 ? json(c) : JSON.stringify(c).slice(1, -1)))}"`,
        '"[redacted]"',
      ],
      ['JSON within JSON', JSON.stringify(`"${json(secret)}"`), '"\\"[redacted]\\""'],
      [
        'JSON within JSON within JSON',
        JSON.stringify(JSON.stringify(`"${json(secret)}"`)),
        '"\\"\\\\\\"[redacted]\\\\\\"\\""',
      ],
      [
        'percent, all bytes',
        `?a=${bytes(secret)
          .map((byte) => `%${byte}`)
          .join('')}&b`,
        '?a=[redacted]&b',
      ],
      [
        'percent, in upper case',
        `?a=${bytes(secret)
          .map((byte) => `%${byte.toUpperCase()}`)
          .join('')}&b`,
        '?a=[redacted]&b',
      ],
      ['percent, some', '?a=%73ek%2bret"</%C3%bc🙂%261&b', '?a=[redacted]&b'],
      ['percent, twice', `?a=${encodeURIComponent(encodeURIComponent(secret))}&b`, '?a=[redacted]&b'],
      ['percent in JSON', JSON.stringify({ a: encodeURI(secret) }), '{"a":"[redacted]"}'],
      ['entities by number', `<p>${each((c) => `&#${c.codePointAt(0)};`)}</p>`, '<p>[redacted]</p>'],
      [
        'entities by hexadecimal number',
        `<p>${each((c) => `&#x${c.codePointAt(0)?.toString(16)};`)}</p>`,
        '<p>[redacted]</p>',
      ],
      ['entities by name', '<p>sek&plus;ret&quot;&lt;&sol;ü🙂&amp;1</p>', '<p>[redacted]</p>'],
      ['entities twice, in JSON', '"<p>sek+ret&amp;quot;&amp;lt;/ü🙂&amp;amp;1"', '"<p>[redacted]"'],
      [
        'percent in entities, a character in parts',
        '<p>sek+ret"</%C3%&#66;C🙂&amp;1</p>',
        '<p>[redacted]</p>',
      ],
      ['percent in JSON, a character in parts', '"sek+ret\\"</%c3%b\\u0063🙂\\u00261"', '"[redacted]"'],
      ['backslashes in entities', '<p>sek&#92;u002bret&#92;u&#48;022</ü🙂&amp;1</p>', '<p>[redacted]</p>'],
      ['a text of Rust', '"sek\\u{2b}ret\\"</\\u{fc}\\u{1f642}&1"', '"[redacted]"'],
      ['a text of Python', '"sek\\U0000002bret\\"</\\xfc\\U0001F642&1"', '"[redacted]"'],
      ['a pattern, or a word of a shell', 'sek\\+ret\\"\\</ü🙂&1', '[redacted]'],
      ['hexadecimal', `<${Buffer.from(secret).toString('hex')}>`, '<[redacted]>'],
      ['hexadecimal in upper case', `<${Buffer.from(secret).toString('hex').toUpperCase()}>`, '<[redacted]>'],
      ['a program text', "'sek+ret\\x22\\x3c\\/ü🙂&1'", "'[redacted]'"],
      [
        'Base64 in JSON',
        JSON.stringify({ a: btoa('xyz'.repeat(3)) + Buffer.from(secret).toString('base64') }).replaceAll(
          '/',
          '\\u002F',
        ),
        '{"a":"eHl6eHl6eHl6[redacted]"}',
      ],
    ])('%s', (_, text, expected) => {
      expect(redactor.redact(text)).toBe(expected);
    });

    test.each(['a%2Bb=c', 'dir\\name\\', 'x\\u0041yz&amp;', '100%', '&lt;tag&gt;', 'a+b c+d'])(
      'and %p, which looks escaped itself',
      (odd) => {
        const other = redactorOf(odd);

        for (const text of [
          odd,
          JSON.stringify(odd).slice(1, -1),
          JSON.stringify(JSON.stringify(odd)).slice(3, -3),
          encodeURIComponent(odd),
        ]) {
          expect(other.redact(`<${text}>`)).toBe('<[redacted]>');
        }
        expect(other.redactJson(JSON.stringify({ a: odd }))).toBe('{"a":"[redacted]"}');
      },
    );
  });

  test.each(['u', 'us', 'use', 'user', 'user:', 'a longer one:'])(
    'knows a secret in Base64 that begins with %p',
    (before) => {
      const secret = 'correct-horse-battery';
      const redactor = redactorOf(secret);

      for (const after of ['', '.', '..', '...']) {
        const shown = redactor.redact(Buffer.from(`${before}${secret}${after}`).toString('base64'));

        expect(shown).toContain('[redacted]');
        // What is left on either side decodes to nothing of the secret but stray bits.
        const left = shown.split('[redacted]').map((part) => Buffer.from(part, 'base64').toString('latin1'));
        expect(left.join(' ')).not.toMatch(/co|ry/);
      }
    },
  );

  test('hides a secret `user:pass` in its Basic header', () => {
    expect(redactorOf('user:pass').redact(`Authorization: Basic ${btoa('user:pass')}`)).toBe(
      'Authorization: Basic [redacted]',
    );
  });

  test('accepts secrets that are not valid Unicode', () => {
    expect(redactorOf('half\ud800pair').redact('half\ud800pair')).toBe('[redacted]');
  });

  test('finds a secret at the end of ten megabytes', () => {
    const filler = 'tok_ab '.repeat(1_500_000);

    expect(redactorOf('tok_abc').redact(`${filler}tok_abc`)).toBe(`${filler}[redacted]`);
  });
});

describe('displayUrl', () => {
  test.each([
    ['http://127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/mcp'],
    ['https://user:pass@example.com/mcp', 'https://example.com/mcp'],
    ['https://example.com/mcp?key=abc#top', 'https://example.com/mcp'],
    ['https://[::1]:8443/mcp', 'https://[::1]:8443/mcp'],
    // No valid URLs, but nothing of a credential may stay.
    ['http://user:pass@[bad/mcp?key=abc', 'http://[bad/mcp'],
    ['http://user:p@ss@host:99999/x', 'http://host:99999/x'],
    // Templates, of URLs and of resources.
    ['demo://user:pass@items/{id}?key=abc', 'demo://items/{id}'],
    ['demo://items/{id}{?key}', 'demo://items/{id}'],
  ])('shows %s as %s', (url, shown) => {
    expect(displayUrl(url)).toBe(shown);
  });
});

describe('a sanitized reason', () => {
  const redactor = redactorOf('tok_abcdefghij');

  test('is one line without control characters, colors and runs of white space', () => {
    const text = ' first line\r\n\tsecond\u0000 \u001b[31mred\u001b[0m\u2028third\u202e ';

    expect(sanitizeReason(text, redactor)).toBe('first line second red third');
  });

  test('is truncated to 200 characters, with an ellipsis', () => {
    expect(sanitizeReason('x'.repeat(200), redactor)).toBe('x'.repeat(200));
    expect(sanitizeReason('x'.repeat(201), redactor)).toBe(`${'x'.repeat(199)}…`);
  });

  test('is not cut within a character', () => {
    expect(sanitizeReason(`${'x'.repeat(198)}🙂🙂`, redactor)).toBe(`${'x'.repeat(198)}…`);
  });

  test('is redacted before it is truncated, so that no half of a secret remains', () => {
    const text = `${'x'.repeat(195)}tok_abcdefghij`;

    expect(sanitizeReason(text, redactor)).toBe(`${'x'.repeat(195)}[red…`);
  });

  test('hides a secret that a color or a line break splits', () => {
    expect(sanitizeReason('token tok_abc\u001b[1mdefghij', redactor)).toBe('token [redacted]');
    expect(sanitizeReason('key first\nsecond', redactorOf('first\nsecond'))).toBe('key [redacted]');
  });

  test('shows URLs without user info and query, known secrets or not', () => {
    expect(
      sanitizeReason(
        'cannot reach postgres://me:pw@db/x or "https://api.example.com/v1?key=k" today',
        redactor,
      ),
    ).toBe('cannot reach postgres://db/x or "https://api.example.com/v1" today');
  });

  test('shows the beginning of a long text, without half a secret at its end', () => {
    const text = `${' '.repeat(16_384 - 5)}tok_abcdefghij and more`;

    expect(sanitizeReason(text, redactor)).toBe('[redacted]');
  });

  test('may come from ten megabytes of text', () => {
    expect(sanitizeReason('a.b-c+'.repeat(1_700_000), redactor)).toHaveLength(200);
  });
});

describe('JSON with secrets in it', () => {
  test('keeps its shape when a secret is the name of a member or part of a number', () => {
    const redactor = new Redactor();
    redactor.setSecrets(['code', '32602', 'hunter22']);
    const error = '{"code":-32602,"message":"refused hunter22 with code 7","data":{"code":["hunter22"]}}';
    expect(redactor.redactJson(error)).toBe(
      '{"code":-32602,"message":"refused [redacted] with [redacted] 7","data":{"code":["[redacted]"]}}',
    );
  });

  test('keeps its keys, unless they contain an unmistakable secret', () => {
    const redactor = redactorOf('true', 'debug', 'production', 'k3y+of-many-characters');

    expect(
      redactor.redactJson(
        '{"true":"true","debug":{"production":["production"]},"a k3y\\u002Bof-many-characters" : 1}',
      ),
    ).toBe('{"true":"[redacted]","debug":{"production":["[redacted]"]},"a [redacted]" : 1}');
  });

  test('loses secrets with an escape, and the escape as a whole', () => {
    const redactor = redactorOf('nothing at all', 'x+y12345');

    expect(redactor.redactJson('{"a":"\\nothing at all\\n","b":"x\\u002By12345\\u002B"}')).toBe(
      '{"a":"[redacted]\\n","b":"[redacted]\\u002B"}',
    );
  });

  test('loses the parts of a secret in different strings', () => {
    expect(redactorOf('user":"me","pass').redactJson('{"a user":"me","pass":"word"}')).toBe(
      '{"a [redacted]":"[redacted]","[redacted]":"word"}',
    );
  });

  test.each([
    ['as it is', 'tok_abcdefghij'],
    ['escaped', '\\u0074ok_abcdefghij'],
    ['in Base64', btoa('tok_abcdefghij')],
  ])('that is long loses a secret %s wherever it stands', async (_, written) => {
    const redactor = redactorOf('tok_abcdefghij');
    const lengths = Array.from({ length: 60 }, (_unused, i) => 32_768 - i);
    for (const length of lengths) {
      const json = `["${'x '.repeat(length / 2)}${length % 2 ? '.' : ''}${written} x"]`;
      expect(redactor.redactJson(json)).toBe(json.replace(written, '[redacted]'));
    }
    const many = `["${`${written} `.repeat(20_000)}"]`;
    expect(await redactor.redactLongJson(() => many)).toBe(`["${'[redacted] '.repeat(20_000)}"]`);
  });

  test('is redacted in several turns if it is long', async () => {
    const redactor = redactorOf('tok_abcdefghij');
    const json = JSON.stringify(Array.from({ length: 2_000_000 }, () => 'a\n'));
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);

    expect(await redactor.redactLongJson(() => json)).toBeNull();

    clearInterval(ticking);
    expect(turns).toBeGreaterThan(1);
  });

  test.each([
    ['three million escapes', '\n'.repeat(3_000_000)],
    ['three million backslashes', '\\'.repeat(3_000_000)],
    ['three million quotes', '"'.repeat(3_000_000)],
  ])('loses them beside %s', (_what, long) => {
    const redactor = new Redactor();
    redactor.setSecrets(['hunter22']);
    const safe = redactor.redactJson(JSON.stringify({ text: `${long} hunter22`, more: 'hunter22' }));
    expect(safe.includes('hunter22')).toBe(false);
    expect(JSON.parse(safe)).toEqual({ text: `${long} [redacted]`, more: '[redacted]' });
  });

  test('is unchanged without a secret', () => {
    const redactor = new Redactor();
    redactor.setSecrets(['hunter22']);
    expect(redactor.redactJson('{ "n": 12345678901234567890, "x": 1.0 }')).toBe(
      '{ "n": 12345678901234567890, "x": 1.0 }',
    );
  });

  test('stays a result that clients can read when a secret is a word of the protocol', () => {
    const redactor = new Redactor();
    redactor.setSecrets(['text', 'hunter22']);
    const result =
      '{"isError":true,"content":[{"type":"text","text":"a text with hunter22"}],"hunter22":1.50}';
    expect(redactor.redactJson(result)).toBe(
      '{"isError":true,"content":[{"type":"text","text":"a [redacted] with [redacted]"}],"[redacted]":1.50}',
    );
  });
});
