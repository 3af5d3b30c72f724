export interface Page<T> {
  readonly items: readonly T[]
  /** What to give as `after` for the next page; undefined at the end. */
  readonly next: T | undefined
}

/** Reads one entry more than asked for, to know whether there is another page. */
export async function pageOf<T>(
  entries: AsyncIterable<readonly [string, T]>,
  limit: number,
  belongs: (key: string) => boolean,
): Promise<Page<T>> {
  const items: T[] = []
  for await (const [key, value] of entries) {
    if (!belongs(key)) break
    if (items.length === limit) return { items, next: items.at(-1) }
    items.push(value)
  }
  return { items, next: undefined }
}
