/**
 * The pattern of `<input type=email>` in the HTML standard: what browsers accept. It asks for less than RFC
 * 5322 (no quoted local parts, no comments) and allows a host without a dot.
 */
const HTML_EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

/** How addresses are compared and stored: without spaces around, in lower case. */
export function normalizeEmail(text: string): string {
  return text.trim().toLowerCase()
}

/**
 * Whether what was typed is an address. It is asked of the text before lower-casing: the Kelvin sign becomes
 * an ordinary `k` by it, and a wrong address would turn into somebody's right one.
 */
export function isEmail(text: string): boolean {
  return HTML_EMAIL.test(text.trim())
}
