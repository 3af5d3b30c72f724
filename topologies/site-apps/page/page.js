import { $, coalesced, element, live, request, whole } from './live.js'

const SITES_SHOWN = 12
const sites = new Map()
const apps = new Map()
let chosen = null
let shown = 20

const chips = list =>
  element(
    'div',
    { className: 'chips' },
    ...list.map(({ appId, version }) => element('span', { className: 'chip' }, `${appId} ${version}`)),
  )

function renderSites(fresh) {
  const newest = [...sites.values()].slice(-SITES_SHOWN).reverse()
  $('sites').replaceChildren(
    ...newest.map(({ siteId, name, apps: installed }) =>
      element(
        'li',
        { className: siteId === fresh ? 'fresh' : '' },
        element(
          'div',
          { className: 'main' },
          name,
          installed ? chips(installed) : element('small', {}, 'This site was deleted.'),
        ),
        element('div', { className: 'side' }, siteId),
      ),
    ),
  )
  $('sites-empty').hidden = newest.length > 0
}

function renderApps() {
  const list = [...apps.values()].sort(
    (left, right) => right.sites - left.sites || left.appId.localeCompare(right.appId),
  )
  const most = list[0]?.sites ?? 1
  // The list is drawn anew many times a second: the focus stays where it was.
  const focused = document.activeElement?.dataset?.app
  $('apps').replaceChildren(
    ...list.map(({ appId, sites: count }) => {
      const bar = element('span')
      bar.style.width = `${(count / most) * 100}%`
      const name = element(
        'button',
        { type: 'button', className: 'link', onclick: () => choose(appId) },
        appId,
      )
      name.dataset.app = appId
      const main = element('div', { className: 'main' }, name, element('span', { className: 'meter' }, bar))
      main.style.flex = '1'
      return element(
        'li',
        {},
        main,
        element('div', { className: 'side' }, `${whole.format(count)} ${count === 1 ? 'site' : 'sites'}`),
      )
    }),
  )
  if (focused)
    $('apps')
      .querySelector(`[data-app="${CSS.escape(focused)}"]`)
      ?.focus()
  $('apps-empty').hidden = list.length > 0
  $('app-count').textContent = whole.format(list.length)
  $('installations').textContent = whole.format(list.reduce((sum, { sites: count }) => sum + count, 0))
}

function choose(appId) {
  chosen = appId
  shown = 20
  $('app-title').textContent = `Sites with “${appId}”`
  $('app-sites').replaceChildren()
  void showApp().then(() => $('app').scrollIntoView({ block: 'nearest' }))
}

const showApp = coalesced(async () => {
  if (chosen === null) return
  const appId = chosen
  const path = `/stores/app-sites-view/${encodeURIComponent(appId)}/entries?limit=${shown}`
  const { entries, next } = await request(path)
  if (appId !== chosen) return
  $('app').hidden = false
  const count = apps.get(appId)?.sites ?? entries.length
  $('app-title').textContent = `${whole.format(count)} ${count === 1 ? 'site' : 'sites'} with “${appId}”`
  $('app-sites').replaceChildren(
    ...entries.map(({ key, value: { name, version } }) =>
      element(
        'li',
        {},
        element('div', { className: 'main' }, name, element('small', {}, key)),
        element('div', { className: 'side' }, version),
      ),
    ),
  )
  $('app-more').hidden = next === null
})

function showStatus({ perSecond, staleness: { recordsBehind, staleMs } }) {
  $('behind').textContent = recordsBehind === null ? '–' : whole.format(recordsBehind)
  $('stale').textContent =
    staleMs === null
      ? '–'
      : staleMs < 1000
        ? `${Math.ceil(staleMs / 100) * 100} ms`
        : `${(staleMs / 1000).toFixed(1)} s`
  $('stop').disabled = perSecond === 0
  $('traffic-text').textContent =
    perSecond === 0
      ? 'Nothing is being published.'
      : `${whole.format(perSecond)} changes a second are being published: apps come and go, sites are deleted and come back.`
}

async function attempt(task) {
  try {
    await task()
    $('error').hidden = true
  } catch (error) {
    $('error').hidden = false
    $('error').textContent = `That did not work: ${error.message}`
  }
}

const setRate = perSecond =>
  attempt(async () => showStatus(await request(`/traffic?perSecond=${perSecond}`, { method: 'PUT' })))

/** Writes, then reads an answer that has what was written. */
async function publish(options) {
  const startMs = performance.now()
  const siteId = $('own-site').value.trim()
  const { atLeast } = await request(`/sites/${encodeURIComponent(siteId)}`, options)
  const writtenMs = performance.now()
  const read = request(`/stores/site-apps-view/${siteId}?atLeast=${encodeURIComponent(atLeast)}`)
  const row = await read.catch(error => {
    if (error.status === 404) return undefined
    throw error
  })
  const took = (from, to) => `${Math.round(to - from)} ms`
  const has = row === undefined ? 'is in no view' : `has ${row.value.apps.length} apps`
  $('own-result').textContent =
    `Written to ${atLeast} in ${took(startMs, writtenMs)}; read ${took(writtenMs, performance.now())} later: ${siteId} ${has}.`
}

function ownSite() {
  const ids = new Set(
    $('own-apps')
      .value.split(',')
      .map(text => text.trim()),
  )
  ids.delete('')
  const list = [...ids].map(appId => ({ appId, version: '1.0' }))
  return { name: $('own-site').value.trim(), owner: 'you', apps: list }
}

const load = coalesced(async () => {
  const reads = [
    '/stores/app-counts-view?limit=1000',
    `/stores/site-apps-view?limit=${SITES_SHOWN}`,
    '/state',
  ]
  const [counts, first, state] = await Promise.all(reads.map(path => request(path)))
  apps.clear()
  for (const { key, value } of counts.entries) apps.set(key, { appId: key, ...value })
  for (const { key, value } of first.entries.reverse())
    if (!sites.has(key)) sites.set(key, { siteId: key, ...value })
  showStatus(state)
  renderApps()
  renderSites()
  void showApp()
})

function onChange(key, message) {
  if (key === 'status') return showStatus(message)
  if (key === 'more') return void load()
  const id = key.slice(key.indexOf('/') + 1)
  if (key.startsWith('site/')) {
    const name = message?.name ?? sites.get(id)?.name ?? id
    sites.delete(id)
    sites.set(id, message ?? { siteId: id, name, apps: null })
    // No more than are shown, and some: a page may be open for days.
    if (sites.size > 10 * SITES_SHOWN) sites.delete(sites.keys().next().value)
    renderSites(id)
  } else {
    if (message.sites > 0) apps.set(id, message)
    else apps.delete(id)
    renderApps()
  }
  if (chosen !== null) void showApp()
}

$('start').onclick = () => setRate(20)
$('fast').onclick = () => setRate(500)
$('stop').onclick = () => setRate(0)
$('app-close').onclick = () => {
  chosen = null
  $('app').hidden = true
}
$('app-more').onclick = () => {
  shown = Math.min(shown + 50, 500)
  void showApp()
}
$('own').onsubmit = event => {
  event.preventDefault()
  void attempt(() => publish({ method: 'PUT', body: JSON.stringify(ownSite()) }))
}
$('own-delete').onclick = () => attempt(() => publish({ method: 'DELETE' }))
live({ onConnect: load, onChange })
