import { openChannel } from './push-client.js'
import { $, here, request, whole } from './live.js'

const KEY = 'contacts-import'
const ENDS = { completed: 'Completed', 'timed-out': 'Timed out', failed: 'Failed' }
const REASONS = { EMAIL_MISSING: 'No e-mail address', EMAIL_INVALID: 'Not a valid e-mail address' }
const newState = () => ({
  importId: null,
  token: null,
  acceptedAt: 0,
  fileName: null,
  uploading: false,
  history: [],
})

// What a reload needs is in the tab's session storage, nowhere else.
let state = { ...newState(), ...read() }
let latest = null
let latestAtMs = 0
let rate = 0
let channel = null

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {}
  } catch {
    return {}
  }
}
function save() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(state))
  } catch {
    /* A reload starts afresh then. */
  }
}
function showError(message) {
  $('error').hidden = !message
  $('error').firstElementChild.textContent = message ? message[0].toUpperCase() + message.slice(1) : ''
}
function entry(main, small, side) {
  const item = document.createElement('li')
  const left = item.appendChild(document.createElement('div'))
  left.className = 'main'
  left.append(main)
  if (small) left.appendChild(document.createElement('small')).textContent = small
  if (side) {
    const right = item.appendChild(document.createElement('div'))
    right.className = 'side quiet number'
    right.textContent = side
  }
  return item
}

// The channel of the import: every event once, by its number, from the first on. It comes back by itself.
function listen() {
  const { importId, token } = state
  channel?.close()
  channel = openChannel('push/events', {
    channel: importId,
    token,
    onEvent: message => {
      if (message.type === 'event' && importId === state.importId) apply(message.data)
    },
    onState: now => {
      setConnection(
        now === 'open' ? 'live' : 'lost',
        now === 'open' ? 'Live' : now === 'closed' ? '' : 'Reconnecting …',
      )
      if (now === 'open') setTimeout(() => void checkKnown(importId), KNOWN_MS)
    },
  })
}
function setConnection(name, text) {
  $('connection').hidden = !text
  if ($('connection').dataset.state === name && text) return
  $('connection').dataset.state = name
  $('connection').textContent = text
}
/** The data behind the channel may be new: then nothing comes. */
const KNOWN_MS = 10_000
async function checkKnown(importId) {
  if (latest?.total !== undefined || importId !== state.importId) return
  try {
    await request(`/stores/imports/${importId}`)
  } catch (error) {
    if (error.status !== 404 || importId !== state.importId || latest?.total !== undefined) return
    again()
    showError('The server does not know this import any more: its data is new.')
  }
}
function apply(event) {
  measureRate(event)
  latest = event
  latestAtMs = performance.now()
  render()
  if (isEnd(event)) ended(event)
  else if (event.succeeded > 0 && $('contacts-list').childElementCount < 20 && !searching) showContacts()
}
const isEnd = ({ type }) => type !== 'started' && type !== 'progress'
function measureRate(event) {
  if (!latest || event.atMs <= latest.atMs) return
  const now =
    ((event.succeeded + event.failed - latest.succeeded - latest.failed) * 1000) / (event.atMs - latest.atMs)
  rate = rate === 0 ? now : rate * 0.7 + now * 0.3
}
function ended(event) {
  channel.close()
  const { importId } = state
  if (!state.history.some(entry => entry.importId === importId)) {
    const { succeeded, failed, atMs } = event
    state.history = [{ importId, fileName: state.fileName, succeeded, failed, atMs }, ...state.history].slice(
      0,
      20,
    )
    $('announcement').textContent =
      `Import ${event.type}: ${whole.format(succeeded)} imported, ${whole.format(failed)} failed.`
  }
  save()
  renderHistory()
  if (event.failed > 0) void showFailures()
  void showContacts()
}

function render() {
  const running = state.importId !== null || state.uploading
  $('idle').hidden = running
  $('import').hidden = !running
  if (!running) {
    $('failures').hidden = true
    return
  }
  $('file-name').textContent = state.fileName ?? 'Contacts'
  if (latest) renderImport(latest)
}
function renderImport(event) {
  const { type, total, succeeded, failed, atMs, startedAtMs } = event
  const isDone = isEnd(event)
  const done = succeeded + failed
  const percent = total ? Math.floor((done / total) * 100) : isDone ? 100 : 0
  badge(isDone ? ENDS[type] : 'Importing', type === 'completed' ? 'good' : isDone ? 'bad' : '')
  setBar(percent)
  $('done').textContent =
    total === undefined ? 'Uploaded' : `${whole.format(done)} of ${whole.format(total ?? 0)} rows`
  $('percent').textContent = total === undefined ? '' : `${percent} %`
  $('succeeded').textContent = whole.format(succeeded)
  $('failed').textContent = whole.format(failed)
  $('failed-figure').classList.toggle('zero', failed === 0)
  const elapsedMs = Math.max(0, atMs - startedAtMs)
  const shownRate = isDone ? (elapsedMs >= 1000 ? (done * 1000) / elapsedMs : 0) : rate
  $('rate').textContent = shownRate > 0 ? whole.format(Math.round(shownRate)) : '–'
  showElapsed(isDone ? elapsedMs : elapsedMs + performance.now() - latestAtMs)
  $('note').textContent = isDone ? '' : 'You can reload or close this page: the import goes on.'
  $('again').hidden = !isDone
}
function renderUpload(sent, size) {
  const percent = size ? Math.floor((sent / size) * 100) : 0
  badge('Uploading', '')
  setBar(percent)
  $('done').textContent = `${(sent / 1e6).toFixed(1)} of ${(size / 1e6).toFixed(1)} MB`
  $('percent').textContent = `${percent} %`
  for (const id of ['succeeded', 'failed']) $(id).textContent = '0'
  $('failed-figure').classList.add('zero')
  $('rate').textContent = '–'
  showElapsed(0)
  $('note').textContent = 'Keep this page open until the upload is through.'
  $('again').hidden = true
}
function badge(text, kind) {
  $('badge').textContent = text
  $('badge').className = `badge ${kind}`
}
function setBar(percent) {
  $('bar').setAttribute('aria-valuenow', percent)
  $('bar').firstElementChild.style.width = `${percent}%`
}
function showElapsed(ms) {
  const seconds = Math.floor(ms / 1000)
  $('elapsed').textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
function renderHistory() {
  $('history').hidden = state.history.length === 0
  $('history-list').replaceChildren(
    ...state.history.map(({ fileName, succeeded, failed, atMs }) => {
      const counts = `${whole.format(succeeded)} imported${failed ? `, ${whole.format(failed)} failed` : ''}`
      return entry(
        fileName ?? 'Contacts',
        counts,
        new Date(atMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
      )
    }),
  )
}

function upload(file) {
  showError(null)
  latest = null
  rate = 0
  Object.assign(state, { importId: null, token: null, fileName: file.name, uploading: true })
  save()
  $('failures').hidden = true
  render()
  renderUpload(0, file.size)
  // Not fetch: it does not tell how much of the file has gone.
  const sending = new XMLHttpRequest()
  sending.open('POST', here('/imports'))
  sending.setRequestHeader('content-type', 'text/csv')
  sending.responseType = 'json'
  sending.upload.onprogress = ({ loaded, total }) => {
    if (state.uploading) renderUpload(loaded, total)
  }
  sending.onload = () => {
    if (sending.status === 202) accepted(sending.response)
    else
      refused(
        `${sending.response?.error?.message ?? `The server answered ${sending.status}`}. Nothing was imported.`,
      )
  }
  sending.onerror = () =>
    refused('The upload broke off: nothing was imported. Is the server running? Try again.')
  sending.send(file)
}
function accepted({ importId, token }) {
  Object.assign(state, { importId, token, acceptedAt: Date.now(), uploading: false })
  save()
  follow()
}
/** Shows the import of the state: what has happened, and what comes. */
function follow() {
  latest = { type: 'started', succeeded: 0, failed: 0, atMs: state.acceptedAt, startedAtMs: state.acceptedAt }
  latestAtMs = performance.now()
  render()
  listen()
}
function refused(message) {
  Object.assign(state, { uploading: false, importId: null, fileName: null })
  save()
  render()
  showError(message)
}

const REFRESH_MS = 500
async function showFailures(cursor) {
  const { importId } = state
  const page = await rows('failures', `${importId}/`, cursor).catch(() => undefined)
  if (!page || importId !== state.importId) return
  // The list may be a moment behind the completion.
  if (page.entries.length === 0 && !cursor) return void setTimeout(showFailures, REFRESH_MS)
  $('failures').hidden = false
  $('failures-count').textContent = whole.format(latest?.failed ?? page.entries.length)
  $('failures-file').href = here(`/imports/${importId}/failures.csv`)
  const items = page.entries.map(
    ({
      value: {
        row,
        reason,
        fields: [email],
      },
    }) => {
      return entry(
        email.trim().slice(0, 200) || '(empty)',
        REASONS[reason] ?? reason,
        `row ${whole.format(row)}`,
      )
    },
  )
  if (!cursor) $('failures-list').replaceChildren()
  $('failures-list').append(...items)
  $('failures-more').hidden = page.next === null
  $('failures-more').onclick = () => showFailures(page.next)
}
/** A page of a store's rows. */
function rows(store, prefix, cursor) {
  return request(
    `/stores/${store}?limit=20&prefix=${encodeURIComponent(prefix)}${cursor ? `&cursor=${cursor}` : ''}`,
  )
}

let searches = 0
let searching = false
async function showContacts(cursor) {
  const search = (searches += 1)
  searching = true
  const prefix = $('prefix').value.trim().toLowerCase()
  const page = await rows('contacts', prefix, cursor).catch(error => {
    showError(error.message)
  })
  if (search !== searches) return
  searching = false
  if (!page) return
  const items = page.entries.map(({ value: { email, name, company, phone } }) => {
    return entry(email, [name, company].filter(Boolean).join(' · '), phone)
  })
  if (!cursor) $('contacts-list').replaceChildren()
  $('contacts-list').append(...items)
  $('contacts-empty').hidden = $('contacts-list').childElementCount > 0
  $('contacts-empty').textContent = prefix ? 'No address starts like that.' : 'No contacts yet.'
  $('contacts-more').hidden = page.next === null
  $('contacts-more').onclick = () => showContacts(page.next)
}

$('file').onchange = ({ target }) => {
  if (target.files[0]) upload(target.files[0])
  target.value = ''
}
$('error').lastElementChild.onclick = () => showError(null)
function again() {
  channel?.close()
  Object.assign(state, { importId: null, token: null, fileName: null })
  latest = null
  save()
  render()
}
$('again').onclick = () => {
  again()
  $('file').focus()
}
let typing
$('prefix').oninput = () => {
  clearTimeout(typing)
  typing = setTimeout(() => showContacts(), 150)
}
let depth = 0
addEventListener('dragenter', event => {
  event.preventDefault()
  depth += 1
  $('drop').classList.add('over')
})
addEventListener('dragleave', () => {
  depth -= 1
  if (depth <= 0) $('drop').classList.remove('over')
})
addEventListener('dragover', event => event.preventDefault())
addEventListener('drop', event => {
  event.preventDefault()
  depth = 0
  $('drop').classList.remove('over')
  const file = event.dataTransfer.files[0]
  if (!file) return
  if (!$('idle').hidden) upload(file)
  else showError('An import is under way: wait until it is through.')
})
addEventListener('beforeunload', event => {
  if (state.uploading) event.preventDefault()
})
setInterval(() => {
  if (latest && !isEnd(latest) && state.importId)
    showElapsed(latest.atMs - latest.startedAtMs + performance.now() - latestAtMs)
}, 500)

if (state.uploading) {
  Object.assign(state, { uploading: false, importId: null, fileName: null })
  showError('The upload was broken off by the reload: nothing was imported. Choose the file again.')
}
save()
render()
renderHistory()
if (state.importId) follow()
void showContacts()
