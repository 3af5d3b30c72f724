import { $, coalesced, element, live, request, whole } from './live.js'

const STEP = 12
const fresh = new Set()
/** What is edited, as it was read; without a version: a new country. */
let editing = null

const markOf = key => (fresh.has(key) ? 'fresh' : '')

const countryItem = country => {
  const { code, name, timeZones } = country
  const zones =
    timeZones.length > 4
      ? `${timeZones.slice(0, 4).join(', ')} and ${timeZones.length - 4} more`
      : timeZones.join(', ') || 'no time zone'
  const button = element(
    'button',
    { type: 'button', className: 'link', onclick: () => edit(country), ariaLabel: `Edit ${name}` },
    name,
  )
  return element(
    'li',
    { className: markOf(`countries/${code}`) },
    element('div', { className: 'main' }, button, element('small', {}, zones)),
    element('div', { className: 'side' }, code),
  )
}

const zoneItem = ({ zone, countries }) =>
  element(
    'li',
    { className: markOf(`time-zones/${zone}`) },
    element('div', { className: 'main' }, zone, element('small', {}, countries.join(', '))),
    element('div', { className: 'side' }, offsetOf(zone)),
  )

/** How far a zone is ahead of UTC now, such as `GMT+5:30`. */
function offsetOf(zone) {
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'shortOffset' })
    return format.formatToParts().find(({ type }) => type === 'timeZoneName')?.value
  } catch {
    return 'unknown'
  }
}

/** So that "cote d'ivoire" finds it, and "new york" finds `America/New_York`. */
const plain = text => text.normalize('NFD').replace(/\p{M}/gu, '').replaceAll('_', ' ').toLowerCase()

/** One of the two lists, as a function that reads it anew; its search and its button show what was read. */
function list({ path, ids, rows, textOf, item, empty }) {
  let read
  let limit = STEP
  const show = () => {
    if (!read) return
    const words = plain($(ids.search).value).split(/\s+/).filter(Boolean)
    const found = read.filter(row => {
      const text = plain(textOf(row).join('\n'))
      return words.every(word => text.includes(word))
    })
    const focused = document.activeElement?.ariaLabel
    $(ids.list).replaceChildren(...found.slice(0, limit).map(item))
    if (focused)
      $(ids.list)
        .querySelector(`[aria-label="${CSS.escape(focused)}"]`)
        ?.focus()
    $(ids.total).textContent = `${whole.format(found.length)}${words.length > 0 ? ' found' : ''}`
    $(ids.more).hidden = found.length <= limit
    $(ids.empty).hidden = found.length > 0
    $(ids.empty).textContent = empty
  }
  const load = coalesced(async () => {
    try {
      read = rows(await request(path))
      show()
    } catch (error) {
      if (error.status !== 503) throw error
      if (!read) $(ids.empty).textContent = 'Loading …'
      setTimeout(load, 500)
    }
  })
  $(ids.search).oninput = () => {
    limit = STEP
    show()
  }
  $(ids.more).onclick = () => {
    limit += 50
    show()
  }
  return load
}

const idsOf = (search, items, name) => ({
  search,
  list: items,
  total: `${name}-total`,
  more: `${name}-more`,
  empty: `${name}-empty`,
})
const loadCountries = list({
  path: '/countries',
  ids: idsOf('search', 'countries', 'countries'),
  rows: ({ countries }) => countries,
  textOf: ({ code, name, timeZones }) => [code, name, ...timeZones],
  item: countryItem,
  empty: 'No country is like that.',
})
const loadZones = list({
  path: '/time-zones',
  ids: idsOf('zone-search', 'zone-list', 'zones'),
  rows: ({ timeZones }) => timeZones,
  textOf: ({ zone, countries }) => [zone, ...countries],
  item: zoneItem,
  empty: 'No time zone is like that.',
})

function edit(country) {
  editing = country
  $('edit-title').textContent = country ? `Edit ${country.name}` : 'Add a country'
  $('code').value = country?.code ?? ''
  $('code').readOnly = Boolean(country)
  $('name').value = country?.name ?? ''
  $('zones').value = country?.timeZones.join(' ') ?? ''
  $('cancel').hidden = $('remove').hidden = !country
  $('saved').textContent = ''
  showError()
  if (country) $('name').focus()
}

function showError(message) {
  $('conflict').hidden = true
  $('error').hidden = !message
  $('error').textContent = message ? message[0].toUpperCase() + message.slice(1) : ''
}

/**
 * Shows what somebody else has made of a country that is edited here, and lets the visitor choose. `retry`
 * does what was meant, knowingly.
 */
async function showConflict(code, retry) {
  const theirs = await request(`/countries/${code}`).catch(error => {
    if (error.status !== 404) throw error
  })
  const text = theirs
    ? `it is ${theirs.name} now, with ${theirs.timeZones.join(', ') || 'no time zone'}`
    : 'it was deleted'
  showError(`Somebody else has changed ${code}: ${text}. Nothing was written.`)
  $('conflict').hidden = false
  $('take-theirs').onclick = () => edit(theirs ?? null)
  $('keep-mine').onclick = () => retry(theirs?.version ?? 0)
}

/** A row from before there was a single writer has no version to expect. */
const versionOf = country => (country ? country.version || undefined : 0)

/** The answer comes when this server's table shows the write: what is read after it has it. */
async function write({ text, code, options, version }) {
  $('save').disabled = $('remove').disabled = true
  try {
    const startMs = performance.now()
    await request(`/countries/${code}${version === undefined ? '' : `?version=${version}`}`, options)
    const ms = Math.round(performance.now() - startMs)
    edit(null)
    $('saved').textContent = `${text} after ${ms} ms, and readable here.`
    void loadCountries()
  } catch (error) {
    const retry = next => void write({ text, code, options, version: next })
    if (error.status === 409) await showConflict(code, retry).catch(({ message }) => showError(message))
    else showError(error.message)
  } finally {
    $('save').disabled = $('remove').disabled = false
  }
}

$('edit').onsubmit = event => {
  event.preventDefault()
  const zones = $('zones').value.split(/[\s,]+/)
  const body = JSON.stringify({ name: $('name').value, timeZones: zones.filter(Boolean) })
  const headers = { 'content-type': 'application/json' }
  void write({
    text: `${$('name').value} was saved`,
    code: $('code').value.toUpperCase(),
    options: { method: 'PUT', headers, body },
    version: versionOf(editing),
  })
}
$('remove').onclick = () => {
  const text = `${$('name').value} was deleted`
  void write({ text, code: editing.code, options: { method: 'DELETE' }, version: versionOf(editing) })
}
$('cancel').onclick = () => edit(null)

live({
  onConnect() {
    void loadCountries()
    void loadZones()
  },
  onChange(key) {
    fresh.add(key)
    setTimeout(() => fresh.delete(key), 1200)
    if (key === 'more' || key.startsWith('countries/')) void loadCountries()
    if (key === 'more' || key.startsWith('time-zones/')) void loadZones()
  },
})
