import { describe, expect, test } from 'bun:test';
import { splitUserInfo } from '../../../src/config/user-info.ts';

describe('the user info of a URL', () => {
  test.each([
    ['http://me:secret@a/mcp?b=c', 'me', 'secret', 'Basic bWU6c2VjcmV0'],
    ['http://me@a/mcp?b=c', 'me', '', 'Basic bWU6'],
    ['http://:secret@a/mcp?b=c', '', 'secret', 'Basic OnNlY3JldA=='],
    ['http://me:p%40ss%2Fw@a/mcp?b=c', 'me', 'p@ss/w', 'Basic bWU6cEBzcy93'],
    ['http://me:p@ss@a/mcp?b=c', 'me', 'p@ss', 'Basic bWU6cEBzcw=='],
    ['http://me:100%@a/mcp?b=c', 'me', '100%', 'Basic bWU6MTAwJQ=='],
    ['http://me:\u00fc@a/mcp?b=c', 'me', '\u00fc', 'Basic bWU6w7w='],
  ])('%s', (url, user, password, authorization) => {
    expect(splitUserInfo(url)).toEqual({
      url: 'http://a/mcp?b=c',
      userInfo: { user, password, authorization },
    });
  });

  test.each(['http://a/mcp', 'http://@a/mcp', 'http://:@a/mcp'])('is none in %s', (url) => {
    expect(splitUserInfo(url)).toEqual({ url: 'http://a/mcp', userInfo: null });
  });
});
