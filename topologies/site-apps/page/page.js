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
  const page = await request(`/apps/${encodeURIComponent(appId)}/sites?limit=${shown}`)
  if (appId !== chosen) return
  $('app').hidden = false
  $('app-title').textContent = `${whole.format(page.total)} sites with “${appId}”`
  $('app-sites').replaceChildren(
    ...page.sites.map(({ siteId, name, version }) =>
      element(
        'li',
        {},
        element('div', { className: 'main' }, name, element('small', {}, siteId)),
        element('div', { className: 'side' }, version),
      ),
    ),
  )
  $('app-more').hidden = page.next === undefined
})

function showStatus({ perSecond, staleness }) {
  const { recordsBehind, staleMs } = staleness
  $('behind').textContent = recordsBehind === null ? '–' : whole.format(recordsBehind)
  $('stale').textContent =
    staleMs === null
      ? '–'
      : staleMs < 1000
        ? `${Math.ceil(staleMs / 100) * 100} ms`
        : `${(staleMs / 1000).toFixed(1)} s`
  if (perSecond === undefined) return
  $('stop').disabled = perSecond === 0
  $('traffic-text').textContent =
    perSecond === 0
      ? 'Nothing is being published.'
      : `${whole.format(perSecond)} changes a second are being published: apps come and go, sites are deleted and come back.`
}

async function setRate(perSecond) {
  try {
    showStatus(await request(`/traffic?perSecond=${perSecond}`, { method: 'PUT' }))
    $('error').hidden = true
  } catch (error) {
    $('error').hidden = false
    $('error').textContent = `That did not work: ${error.message}`
  }
}

const load = coalesced(async () => {
  const [all, first] = await Promise.all([request('/apps'), request(`/sites?limit=${SITES_SHOWN}`)])
  apps.clear()
  for (const app of all.apps) apps.set(app.appId, app)
  for (const site of first.sites.reverse()) if (!sites.has(site.siteId)) sites.set(site.siteId, site)
  showStatus(all)
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
void request('/traffic').then(showStatus, () => undefined)
live({ onConnect: load, onChange })
