/** The name as SQL takes it literally. */
export function quoted(name: string): string {
  if (name === '' || name.includes('\0'))
    throw new TypeError(`${JSON.stringify(name)} is no name of a table or column`)
  return `"${name.replaceAll('"', '""')}"`
}

/** `table` or `schema.table`. */
export function quotedTable(name: string): string {
  return name.split('.').map(quoted).join('.')
}
