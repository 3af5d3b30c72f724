import { useState } from 'preact/hooks'

/** Where the site asks for its token: it is given once in the address, and kept as a cookie. */
export function SignIn() {
  const [token, setToken] = useState('')
  return (
    <form
      class="card sign-in"
      onSubmit={event => {
        event.preventDefault()
        location.search = `?token=${encodeURIComponent(token)}`
      }}
    >
      <h1>This console needs its token</h1>
      <p>Whoever started it has given it with --console-token.</p>
      <label class="field">
        <span>Token</span>
        <input
          type="password"
          value={token}
          autocomplete="current-password"
          onInput={event => setToken(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={token === ''}>
        Open
      </button>
    </form>
  )
}
