import { $, element, live, request, whole } from './live.js'

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
const REASONS = {
  'gave-up': 'tried too often',
  'non-retriable': 'hopeless',
  skipped: 'skipped',
  ignored: 'ignored',
}

let state
/** Server time less that of this browser. */
let aheadMs = 0

const act = async (path, method = 'POST', body) => {
  try {
    await request(path, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    showError()
    show(await request('/state'))
  } catch (error) {
    showError(error.message)
  }
}

function showError(message) {
  $('error').hidden = !message
  $('error').textContent = message ? message[0].toUpperCase() + message.slice(1) : ''
}

const seconds = ms => Math.max(0, Math.ceil((ms - Date.now() - aheadMs) / 1000))
const inWords = ms => (seconds(ms) === 0 ? 'now' : `in ${whole.format(seconds(ms))} s`)

function button(text, label, onclick, className = 'plain small') {
  return element('button', { type: 'button', className, onclick, ariaLabel: label }, text)
}

/** Changes the list as little as possible, so that what has the focus keeps it. */
function fill(list, items) {
  const focused = document.activeElement?.ariaLabel
  list.replaceChildren(...items)
  if (focused) list.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus()
}

function statusOf({ id, isPaused, waiting }) {
  const givenUp = state.letters.filter(({ customer }) => customer === id).length
  if (isPaused) return ['wait', `paused${waiting.length > 0 ? `, ${waiting.length} waiting` : ''}`]
  const [first, ...behind] = waiting
  if (!first) return givenUp > 0 ? ['bad', `${givenUp} given up`] : ['good', 'all renewed']
  const others = behind.length > 0 ? `, ${behind.length} behind` : ''
  if (first.state === 'parked') {
    return ['bad', `attempt ${first.attempts + 1} ${inWords(first.dueMs)}${others}`]
  }
  return ['wait', `${first.state === 'ready' ? 'its turn comes' : first.state}${others}`]
}

function customerItem(customer) {
  const { id, name, plan, cents, card, charges, isPaused, waiting } = customer
  const [kind, text] = statusOf(customer)
  const choice = element(
    'select',
    {
      ariaLabel: `Card of ${name}`,
      onchange: event => act(`/customers/${id}/card`, 'PUT', { is: event.target.value }),
    },
    ...CARDS.map(each => element('option', { value: each, selected: each === card }, `card ${each}`)),
  )
  return element(
    'li',
    {},
    element(
      'div',
      { className: 'main' },
      element('strong', {}, name),
      element(
        'small',
        {},
        `${plan} · ${(cents / 100).toFixed(2)} € · renewed ${charges === 1 ? 'once' : `${whole.format(charges)} times`}`,
      ),
      waiting[0]?.error && element('small', { className: 'bad' }, waiting[0].error),
    ),
    element('div', { className: `status ${kind}` }, text),
    element(
      'div',
      { className: 'tools' },
      choice,
      isPaused
        ? button('Resume', `Resume ${name}`, () => act(`/customers/${id}/resume`))
        : button('Pause', `Pause ${name}`, () => act(`/customers/${id}/pause`)),
      button('Skip', `Skip the first renewal of ${name}`, () => act(`/renewals/${waiting[0].id}/skip`)),
    ),
  )
}

function letterItem({ id, customer, reason, attempts, error, givenUpMs }) {
  const name = state.customers.find(each => each.id === customer)?.name ?? customer
  const time = new Date(givenUpMs).toLocaleTimeString()
  return element(
    'li',
    {},
    element(
      'div',
      { className: 'main' },
      element('strong', {}, name),
      element(
        'small',
        {},
        `${REASONS[reason] ?? reason} after ${attempts} ${attempts === 1 ? 'call' : 'calls'} at ${time}: ${error}`,
      ),
      element('small', {}, id),
    ),
    element(
      'div',
      { className: 'tools' },
      button('Replay', `Replay ${id}`, () => act('/letters/replay', 'POST', { ids: [id] })),
      button(
        'Purge',
        `Purge ${id}`,
        () => act('/letters/purge', 'POST', { ids: [id] }),
        'plain small danger',
      ),
    ),
  )
}

function showModes({ mode }) {
  if ($('modes').childElementCount === 0) {
    $('modes').append(
      ...Object.entries(MODES).map(([is, [text]]) =>
        element(
          'button',
          { type: 'button', role: 'radio', value: is, onclick: () => act('/provider', 'PUT', { is }) },
          text,
        ),
      ),
    )
  }
  for (const each of $('modes').children) each.ariaChecked = String(each.value === mode)
  $('mode-text').textContent = MODES[mode][1]
}

function show(next) {
  state = next
  aheadMs = next.nowMs - Date.now()
  showModes(next.provider)
  const waiting = next.customers.reduce((sum, each) => sum + each.waiting.length, 0)
  $('charges').textContent = whole.format(next.provider.charges)
  $('waiting').textContent = whole.format(waiting)
  $('given-up').textContent = whole.format(next.letters.length)
  $('pause').textContent = next.schedule.isPaused ? 'Resume' : 'Pause'
  showNext()
  // A list that is being chosen from must not vanish under the pointer.
  if (document.activeElement?.tagName !== 'SELECT') fill($('customers'), next.customers.map(customerItem))
  for (const item of $('customers').querySelectorAll('button[aria-label^="Skip"]')) {
    const at = [...$('customers').children].indexOf(item.closest('li'))
    item.disabled = (next.customers[at]?.waiting.length ?? 0) === 0
  }
  $('customers-empty').hidden = next.customers.length > 0
  fill($('letters'), next.letters.map(letterItem))
  $('letters-empty').hidden = next.letters.length > 0
  $('replay-all').disabled = next.letters.length === 0
}

function showNext() {
  if (!state) return
  const { nextMs, isPaused } = state.schedule
  $('next').textContent = isPaused ? 'Paused' : nextMs === undefined ? '–' : `Next ${inWords(nextMs)}`
  $('next-text').textContent = isPaused
    ? 'What is missed meanwhile is not made up for.'
    : nextMs === undefined
      ? ''
      : `At ${new Date(nextMs).toLocaleTimeString()}, for every customer.`
}

$('trigger').onclick = () => act('/schedule/trigger')
$('pause').onclick = () => act(`/schedule/${state.schedule.isPaused ? 'resume' : 'pause'}`)
$('replay-all').onclick = () => act('/letters/replay', 'POST', {})
setInterval(showNext, 250)

live({
  onConnect: async () => show(await request('/state')),
  onChange: (key, message) => key === 'state' && show(message),
})
