import { $, coalesced, element, live, request, whole } from './live.js'

const STEP = 12
const limits = { countries: STEP, zones: STEP }
let editing = null
const fresh = new Set()

const countryItem = ({ code, name, timeZones }) =>
  element(
    'li',
    { className: fresh.has(`countries/${code}`) ? 'fresh' : '' },
    element(
      'div',
      { className: 'main' },
      element(
        'button',
        {
          type: 'button',
          className: 'link',
          onclick: () => edit({ code, name, timeZones }),
          ariaLabel: `Edit ${name}`,
        },
        name,
      ),
      element(
        'small',
        {},
        timeZones.length > 4
          ? `${timeZones.slice(0, 4).join(', ')} and ${timeZones.length - 4} more`
          : timeZones.join(', ') || 'no time zone',
      ),
    ),
    element('div', { className: 'side' }, code),
  )

const zoneItem = ({ zone, countries, offset }) =>
  element(
    'li',
    { className: fresh.has(`time-zones/${zone}`) ? 'fresh' : '' },
    element('div', { className: 'main' }, zone, element('small', {}, countries.join(', '))),
    element('div', { className: 'side' }, offset ?? 'unknown'),
  )

/** One of the two lists; its search field and its button ask for it again. */
function list({ kind, path, ids, items, empty }) {
  const show = coalesced(async () => {
    const search = $(ids.search).value
    try {
      const page = await request(`${path}?search=${encodeURIComponent(search)}&limit=${limits[kind]}`)
      const shown = items(page)
      const focused = document.activeElement?.ariaLabel
      $(ids.list).replaceChildren(...shown)
      if (focused)
        $(ids.list)
          .querySelector(`[aria-label="${CSS.escape(focused)}"]`)
          ?.focus()
      $(ids.total).textContent = `${whole.format(page.total)}${search ? ' found' : ''}`
      $(ids.more).hidden = shown.length >= page.total
      $(ids.empty).hidden = shown.length > 0
      $(ids.empty).textContent = empty
    } catch (error) {
      if (error.status !== 503) throw error
      $(ids.empty).textContent = 'Loading …'
      setTimeout(show, 500)
    }
  })
  let typing
  $(ids.search).oninput = () => {
    clearTimeout(typing)
    limits[kind] = STEP
    typing = setTimeout(show, 120)
  }
  $(ids.more).onclick = () => {
    limits[kind] = Math.min(limits[kind] + 50, 500)
    void show()
  }
  return show
}

const showCountries = list({
  kind: 'countries',
  path: '/countries',
  ids: {
    search: 'search',
    list: 'countries',
    total: 'countries-total',
    more: 'countries-more',
    empty: 'countries-empty',
  },
  items: ({ countries }) => countries.map(countryItem),
  empty: 'No country is like that.',
})
const showZones = list({
  kind: 'zones',
  path: '/time-zones',
  ids: {
    search: 'zone-search',
    list: 'zone-list',
    total: 'zones-total',
    more: 'zones-more',
    empty: 'zones-empty',
  },
  items: ({ timeZones }) => timeZones.map(zoneItem),
  empty: 'No time zone is like that.',
})

function edit(country) {
  editing = country?.code ?? null
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
  $('error').hidden = !message
  $('error').textContent = message ? message[0].toUpperCase() + message.slice(1) : ''
}

/** The answer comes when this server's table shows the write: what is read after it has it. */
async function write(text, path, options) {
  $('save').disabled = $('remove').disabled = true
  try {
    const startMs = performance.now()
    await request(path, options)
    const ms = Math.round(performance.now() - startMs)
    edit(null)
    $('saved').textContent = `${text} after ${ms} ms, and readable here.`
    void showCountries()
  } catch (error) {
    showError(error.message)
  } finally {
    $('save').disabled = $('remove').disabled = false
  }
}

$('edit').onsubmit = event => {
  event.preventDefault()
  const code = $('code').value.toUpperCase()
  const body = JSON.stringify({
    name: $('name').value,
    timeZones: $('zones')
      .value.split(/[\s,]+/)
      .filter(Boolean),
  })
  void write(`${$('name').value} was saved`, `/countries/${code}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body,
  })
}
$('remove').onclick = () =>
  write(`${$('name').value} was deleted`, `/countries/${editing}`, { method: 'DELETE' })
$('cancel').onclick = () => edit(null)

live({
  onConnect() {
    void showCountries()
    void showZones()
  },
  onChange(key) {
    fresh.add(key)
    setTimeout(() => fresh.delete(key), 1200)
    if (key !== 'more' && key.startsWith('countries/')) void showCountries()
    else if (key !== 'more') void showZones()
    else {
      void showCountries()
      void showZones()
    }
  },
})
