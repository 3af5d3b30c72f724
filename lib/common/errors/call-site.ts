/**
 * Number of frames: enough to reach the user's line below the calls of an operator that is made of others.
 */
const FRAMES = 30

/**
 * The present stack, for `userFrame` to find the user's line. Its text is made when it is first read, which
 * is seldom.
 */
export function callSite(): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  const site = new Error('called here')
  Error.stackTraceLimit = stackTraceLimit
  return site
}
