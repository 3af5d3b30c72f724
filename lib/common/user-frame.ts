import { fileURLToPath } from 'node:url'

/** Directory of this package: `dist/` when it is installed, `lib/` in a checkout. */
const OURS = new URL('..', import.meta.url)
const FOREIGN = /\bnode:|[\\/]node_modules[\\/]|\(<anonymous>\)$/

/**
 * The first line of the stack that is in a file of the user's, of the error at the root: "at convert
 * (/home/ann/flow.ts:7:11)". Undefined where none is, as for a broker that does not answer.
 */
export function userFrame(error: Error): string | undefined {
  const inner = error.cause instanceof Error ? userFrame(error.cause) : undefined
  if (inner !== undefined) return inner
  const frames = (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line))
  const frame = frames.find(line => !isOurs(line) && !FOREIGN.test(line))
  return frame?.trim().replace(/file:\/\/[^\s)]+/, asPath)
}

function isOurs(line: string): boolean {
  return line.includes(OURS.href) || line.includes(fileURLToPath(OURS))
}

/**
 * A place with a path, which editors and people open; Node prints modules by their URL,
 * `file:///home/ann/flow.ts:7:11`.
 */
function asPath(place: string): string {
  const [, url, position] = /^(.*?)((?::\d+)*)$/.exec(place)!
  return fileURLToPath(url!) + position!
}
