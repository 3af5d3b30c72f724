export interface OverviewEntry {
  readonly applicationId: string
  readonly title: string
  readonly description: string
  readonly state: string
  readonly hasService: boolean
  /** Undefined while its service is not up. */
  readonly url: string | undefined
}

export interface OverviewOptions {
  readonly brokers: string
  /** What the page opens with. Default: what several applications in one process are. */
  readonly about?: string
  /** Whether it shows itself anew for ever: what it shows is started again and again. */
  readonly isLive?: boolean
}

const STYLE = `
:root { --page: #f4f6f7; --card: #fff; --ink: #15242b; --quiet: #53646d; --line: #d9e0e4; --accent: #0b7a75; --good: #17713c; --wait: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0f1619; --card: #182226; --ink: #e8eef0; --quiet: #9fb0b7; --line: #2c3a40; --accent: #4cc3bb; --good: #6fd398; --wait: #e0b15c; --bad: #ff9d95; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 56px; padding-bottom: 28px; }
h1 { display: flex; align-items: center; gap: 14px; margin: 0 0 8px; font-size: 30px; line-height: 1.2; letter-spacing: -.015em; }
h1 svg { flex: none; width: 42px; height: 42px; }
h2 { margin: 0; font-size: 19px; line-height: 1.3; }
p { margin: 0; max-width: 68ch; }
header p, footer, li p, .id { color: var(--quiet); }
ul { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 20px; }
li { position: relative; display: flex; flex-direction: column; gap: 12px; padding: 24px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow-wrap: anywhere; }
li:has(a):hover { border-color: var(--accent); }
li p { flex: 1; font-size: 15px; }
a { color: inherit; text-decoration: none; }
a::after { content: ''; position: absolute; inset: 0; border-radius: 14px; }
a:focus-visible { outline: none; }
a:focus-visible::after { outline: 3px solid var(--accent); outline-offset: 2px; }
.foot { display: flex; justify-content: space-between; gap: 12px; flex-wrap: wrap; font-size: 14px; }
.open { color: var(--accent); font-weight: 600; }
.state::before { content: ''; display: inline-block; width: 8px; height: 8px; margin-right: 7px; border-radius: 50%; background: currentColor; }
.state { color: var(--wait); } .state.running { color: var(--good); } .state.error { color: var(--bad); }
code { font: 14px ui-monospace, 'SF Mono', Menlo, Consolas, monospace; }
footer { padding-top: 28px; padding-bottom: 48px; font-size: 14px; }
@media (max-width: 640px) { header, main, footer { padding-left: 16px; padding-right: 16px; } header { padding-top: 32px; } h1 { font-size: 24px; } }
`

const WAVES =
  '<path d="M7 12c3-3 6-3 9 0s6 3 9 0M7 20c3-3 6-3 9 0s6 3 9 0" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/>'
const ICON = `<rect width="32" height="32" rx="8" fill="#0b7a75"/>${WAVES}`

/** The page that shows what runs in this process. */
export function overviewPage(
  entries: readonly OverviewEntry[],
  { brokers, isLive = false, about = aboutAll(entries.length) }: OverviewOptions,
): string {
  const icon = encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${ICON}</svg>`)
  // It shows itself anew while there is something to wait for, and lies still afterwards.
  const refresh = !isLive && entries.every(isUp) ? '' : '<meta http-equiv="refresh" content="1">\n'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}<title>Millrace</title>
<link rel="icon" href="data:image/svg+xml,${icon}">
<style>${STYLE}</style>
</head>
<body>
<header>
<h1><svg viewBox="0 0 32 32" aria-hidden="true">${ICON}</svg>Millrace</h1>
<p>${escaped(about)}</p>
</header>
<main><ul>${entries.map(card).join('')}</ul></main>
<footer>Broker: <code>${escaped(brokers)}</code></footer>
</body>
</html>
`
}

function aboutAll(count: number): string {
  return (
    `${count} stream applications run in this process, each exactly-once, on one broker. Open one, make something happen, kill the ` +
    'process in the middle and start it again: nothing is lost, and nothing happens twice.'
  )
}

function isUp({ state, hasService, url }: OverviewEntry): boolean {
  return state === 'error' || (state === 'running' && (!hasService || url !== undefined))
}

function card({ applicationId, title, description, state, url }: OverviewEntry): string {
  const name = url === undefined ? escaped(title) : `<a href="${escaped(url)}">${escaped(title)}</a>`
  const open = url === undefined ? '' : '<span class="open" aria-hidden="true">Open →</span>'
  return (
    `<li><h2>${name}</h2><p>${escaped(description)}</p><code class="id">${escaped(applicationId)}</code>` +
    `<div class="foot"><span class="state ${escaped(state)}">${escaped(state)}</span>${open}</div></li>`
  )
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
