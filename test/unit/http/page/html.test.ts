import { describe, expect, test } from 'bun:test';
import { html } from '../../../../src/http/page/html.ts';

describe('a piece of HTML', () => {
  test('escapes text, also where it stands in an attribute', () => {
    const text = `<b title='x' class="y">&amp;</b>`;
    expect(html`<p title="${text}">${text}</p>`.text).toBe(
      '<p title="&lt;b title=&#x27;x&#x27; class=&quot;y&quot;&gt;&amp;amp;&lt;/b&gt;">' +
        '&lt;b title=&#x27;x&#x27; class=&quot;y&quot;&gt;&amp;amp;&lt;/b&gt;</p>',
    );
  });

  test('takes other pieces as they are, numbers, lists and nothing', () => {
    const item = (name: string) => html`<li>${name}</li>`;
    expect(html`<ul>${['a', '<'].map(item)}</ul>${0}${null}${''}`.text).toBe(
      '<ul><li>a</li><li>&lt;</li></ul>0',
    );
  });

  test('does not unescape what a template writes', () => {
    expect(html`<p>&lt;${'&lt;'}</p>`.text).toBe('<p>&lt;&amp;lt;</p>');
  });
});
