/** How a store is read, by what kind it is. */
export type Reading = 'key-value' | 'versioned' | 'windows' | 'sessions'

export function readingOf(kind: string): Reading {
  if (kind.includes('versioned')) return 'versioned'
  if (kind.includes('session')) return 'sessions'
  return kind.includes('window') ? 'windows' : 'key-value'
}
