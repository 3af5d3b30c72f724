/** Something that the machine lacks; the message says what to install. The program ends with exit code 2. */
export class MissingError extends Error {
  override readonly name = 'MissingError'
}
