import { render } from 'preact'
import { followSite } from './core/site-state.ts'
import { Shell } from './shell/shell.tsx'

const root = document.getElementById('page')
if (root) {
  root.replaceChildren()
  followSite()
  render(<Shell />, root)
}
