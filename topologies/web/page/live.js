// What the pages share: requests, the live connection, and elements.

export const $ = id => document.getElementById(id)
export const whole = new Intl.NumberFormat('en')

/** An address of the service, which may be served below a path of another site. */
export const here = path => new URL(`.${path}`, document.baseURI).href

/** Rejects with the message that the server gave. */
export async function request(path, options) {
  const response = await fetch(here(path), options)
  const body = response.status === 204 ? undefined : await response.json()
  if (!response.ok) throw Object.assign(new Error(body.error.message), { status: response.status })
  return body
}

/** `element('li', { className: 'x' }, child, 'text')` */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children.filter(child => child !== undefined))
  return made
}

/**
 * Calls `task` now, and once more after it ends if it was asked for meanwhile: many changes are one reading.
 */
export function coalesced(task) {
  let running = false
  let again = false
  return async function run() {
    if (running) return void (again = true)
    running = true
    try {
      await task()
    } catch (error) {
      console.warn(error)
    }
    running = false
    if (again) {
      again = false
      setTimeout(run, 100)
    }
  }
}

/**
 * Hears of changes until the page closes. `onConnect` reads the present state anew, since nothing is told of
 * what happened before.
 */
export function live({ onConnect, onChange }) {
  let retryMs = 500
  const show = (state, text) => {
    if ($('connection').dataset.state === state) return
    $('connection').dataset.state = state
    $('connection').textContent = text
  }
  const connect = () => {
    const socket = new WebSocket(here('/live').replace(/^http/, 'ws'))
    socket.onopen = () => {
      retryMs = 500
      show('live', 'Live')
      onConnect()
    }
    socket.onmessage = ({ data }) => JSON.parse(data).forEach(([key, message]) => onChange(key, message))
    socket.onclose = () => {
      show('lost', 'Reconnecting …')
      setTimeout(connect, retryMs * (0.75 + Math.random() / 2))
      retryMs = Math.min(retryMs * 2, 5000)
    }
  }
  connect()
}
