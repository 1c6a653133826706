/** What replaces a secret in texts that people see. */
const MASK = "***";

// Matches begin at "://", and parts have a greatest length: a long text without an address costs no more than a walk through it.
/** `scheme://user:password@`: up to the last `@` before the path, because passwords may hold one. */
const USER_INFO = /:\/\/(?<=[a-z][a-z0-9+.-]{0,31}:\/\/)[^\s/?#"'<>]*@/gi;
/** A password with an unescaped slash, question mark or hash: `scheme://user:pass/word@host`. */
const LOOSE_USER_INFO =
  /:\/\/(?<=[a-z][a-z0-9+.-]{0,31}:\/\/)(?!\*\*\*@)[^\s/?#"'<>@:]{1,256}:(?!\d{1,9}(?:[/?#]|\s|$))[^\s"'<>@]{0,256}@(?=[\w[])/gi;
/** Query parameters and FFmpeg options that carry secrets. */
const SECRET_FIELD = /([?&;,\s](?:access_?token|auth|api_?key|key|pass(?:word|wd)?|pwd|secret|sig(?:nature)?|token)=)[^&\s"'<>;,#]+/gi;

/**
 * Replaces credentials in every URL of a text: user and password, and query parameters such as `token`.
 *
 * @returns the text, unchanged where it holds no credentials; masking twice changes nothing.
 */
export function maskCredentials(text: string): string {
  return text.replace(USER_INFO, `://${MASK}@`).replace(LOOSE_USER_INFO, `://${MASK}@`).replace(SECRET_FIELD, `$1${MASK}`);
}
