/** The user name and password of a URL, percent-decoded. */
interface UserInfo {
  readonly user: string;
  readonly password: string;
  /** The equivalent value of the `Authorization` header (RFC 7617). */
  readonly authorization: string;
}

/** Splits a valid URL into the URL for requests and its user info, which is null if it has none. */
export function splitUserInfo(text: string): { url: string; userInfo: UserInfo | null } {
  const url = new URL(text);
  const user = decoded(url.username);
  const password = decoded(url.password);
  url.username = '';
  url.password = '';
  if (user.length + password.length === 0) return { url: url.href, userInfo: null };
  const pair = Buffer.concat([user, Buffer.from(':'), password]);
  const authorization = `Basic ${pair.toString('base64')}`;
  return {
    url: url.href,
    userInfo: { user: user.toString(), password: password.toString(), authorization },
  };
}

/** Percent-decodes a part of a parsed URL, which is ASCII. A `%` without two digits stays. */
function decoded(text: string): Buffer {
  const byte = (_: string, digits: string) => String.fromCharCode(Number.parseInt(digits, 16));
  return Buffer.from(text.replace(/%([0-9a-f]{2})/gi, byte), 'latin1');
}
