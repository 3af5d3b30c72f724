import { $, coalesced, element, live, request, whole } from './live.js'

const MODES = {
  up: ['Up', 'Every charge succeeds, if its card is good.'],
  failing: ['Fails 30 %', 'Some charges fail, and some succeed though the answer is lost.'],
  slow: ['Slow', 'Each charge takes two seconds.'],
  down: [
    'Down',
    'Nothing succeeds. After ten failures in a row one charge is tried every two seconds, which costs no attempts.',
  ],
}
const CARDS = ['good', 'failing', 'stolen']
const REFRESH_MS = 500

/** Server time less that of this browser. */
let aheadMs = 0

const refresh = coalesced(async () => show(await request('/state')))

const act = async (path, is) => {
  try {
    const headers = { 'content-type': 'application/json' }
    await request(path, { method: 'PUT', headers, body: JSON.stringify({ is }) })
    showError()
    await refresh()
  } catch (error) {
    showError(error.message)
  }
}

function showError(message) {
  $('error').hidden = !message
  $('error').textContent = message ? message[0].toUpperCase() + message.slice(1) : ''
}

function inWords(ms) {
  const seconds = Math.max(0, Math.ceil((ms - Date.now() - aheadMs) / 1000))
  return seconds === 0 ? 'now' : `in ${whole.format(seconds)} s`
}

function statusOf({ card, waiting }) {
  const [first, ...behind] = waiting
  if (!first) return card === 'stolen' ? ['bad', 'is given up each time'] : ['good', 'all renewed']
  const others = behind.length > 0 ? `, ${behind.length} behind` : ''
  if (first.state === 'parked')
    return ['bad', `attempt ${first.attempts + 1} ${inWords(first.dueMs)}${others}`]
  return ['wait', `${first.state === 'ready' ? 'its turn comes' : first.state}${others}`]
}

function customerItem(customer) {
  const { id, name, plan, cents, card, charges, waiting } = customer
  const [kind, text] = statusOf(customer)
  const times = charges === 1 ? 'once' : `${whole.format(charges)} times`
  const choice = element(
    'select',
    { ariaLabel: `Card of ${name}`, onchange: ({ target }) => act(`/customers/${id}/card`, target.value) },
    ...CARDS.map(each => element('option', { value: each, selected: each === card }, `card ${each}`)),
  )
  return element(
    'li',
    {},
    element(
      'div',
      { className: 'main' },
      element('strong', {}, name),
      element('small', {}, `${plan} · ${(cents / 100).toFixed(2)} € · renewed ${times}`),
      waiting[0]?.error && element('small', { className: 'bad' }, waiting[0].error),
    ),
    element('div', { className: `status ${kind}` }, text),
    element('div', { className: 'tools' }, choice),
  )
}

function showMode(mode) {
  for (const each of $('modes').children) each.ariaChecked = String(each.value === mode)
  $('mode-text').textContent = MODES[mode][1]
}

function show({ nowMs, mode, charges, customers }) {
  aheadMs = nowMs - Date.now()
  showMode(mode)
  $('charges').textContent = whole.format(charges)
  $('waiting').textContent = whole.format(customers.reduce((sum, { waiting }) => sum + waiting.length, 0))
  $('customers-empty').hidden = customers.length > 0
  // A list that is being chosen from must not vanish under the pointer.
  if (document.activeElement?.tagName !== 'SELECT')
    $('customers').replaceChildren(...customers.map(customerItem))
}

/** Links into the console, of which this page is a room. */
function showLinks() {
  const [, site, applicationId] = /^(.*)\/rooms\/([^/]+)\/$/.exec(location.pathname) ?? []
  $('no-console').hidden = applicationId !== undefined
  if (applicationId === undefined) return
  const views = { letters: 'Dead letters', 'schedules/renewal-run': 'Schedule', control: 'Control' }
  $('links').append(
    ...Object.entries(views).map(([path, text]) =>
      element(
        'a',
        { className: 'plain', href: `${site}/#/app/${applicationId}/${path}`, target: '_top' },
        text,
      ),
    ),
  )
}

$('modes').append(
  ...Object.entries(MODES).map(([is, [text]]) =>
    element(
      'button',
      { type: 'button', role: 'radio', value: is, onclick: () => act('/provider', is) },
      text,
    ),
  ),
)
showLinks()
live({ onConnect: refresh, onChange: refresh })
// What waits, and until when, is told by nobody.
setInterval(() => document.visibilityState === 'visible' && void refresh(), REFRESH_MS)
