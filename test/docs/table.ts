/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellOf).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line), ''].join('\n')
}

/** A bar would end the cell, and what looks like an element of HTML outside of code would be one. */
function cellOf(text: string): string {
  const pieces = text.replaceAll('|', String.raw`\|`).split(/(`[^`]*`)/)
  return pieces.map(piece => (piece.startsWith('`') ? piece : piece.replaceAll('<', '&lt;'))).join('')
}
