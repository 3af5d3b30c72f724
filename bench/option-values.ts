import { InvalidArgumentError } from 'commander'

export function positive(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('it must be a whole number above 0')
}
