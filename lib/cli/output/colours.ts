/**
 * Where a stream's colours go by: a terminal takes them, unless NO_COLOR is set; FORCE_COLOR decides for any
 * stream.
 */
export function hasColours(
  stream: { readonly isTTY?: boolean },
  environment: NodeJS.ProcessEnv = process.env,
): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: terminal } = environment
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if (refused !== undefined && refused !== '') return false
  return stream.isTTY === true && terminal !== 'dumb'
}

/** Numbers of SGR: what begins a style, and what ends it. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const

export type Style = keyof typeof STYLES

/** The text in this style, where the stream has colours. */
export function painted(style: Style, text: string, stream: { readonly isTTY?: boolean }): string {
  if (text === '' || !hasColours(stream)) return text
  const [begin, end] = STYLES[style]
  // A style that goes on behind the end of a line would colour what others write there.
  const [, line, rest] = /^([^\n]*)([^]*)$/.exec(text)!
  return `\u001b[${begin}m${line}\u001b[${end}m${rest}`
}
