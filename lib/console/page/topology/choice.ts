/** What somebody chose in the drawing. */
export interface Choice {
  readonly kind: 'topic' | 'node' | 'store'
  readonly name: string
}

/** As it stands in the address. */
export const choiceText = ({ kind, name }: Choice): string => `${kind}:${name}`

export function parseChoice(text: string | null): Choice | undefined {
  const [, kind, name] = /^(topic|node|store):(.+)$/s.exec(text ?? '') ?? []
  return kind === undefined || name === undefined ? undefined : { kind: kind as Choice['kind'], name }
}
