/** Deep enough for the user's line under the calls of an operator that is made of others. */
const FRAMES = 30

/**
 * Who calls, for `userFrame` to find the user's line. Its text is made when it is first read, which it mostly
 * is not.
 */
export function callSite(): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  const site = new Error('called here')
  Error.stackTraceLimit = stackTraceLimit
  return site
}
