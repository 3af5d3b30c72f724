import { signal } from '@preact/signals'
import { ApiError } from '../core/api.ts'
import { after } from '../core/time.ts'

interface Toast {
  readonly id: number
  readonly text: string
  readonly isBad: boolean
}

const toasts = signal<readonly Toast[]>([])
let lastId = 0

export function tell(text: string, { isBad = false } = {}): void {
  const id = ++lastId
  toasts.value = [...toasts.value.slice(-3), { id, text, isBad }]
  after(isBad ? 9_000 : 4_500, () => (toasts.value = toasts.value.filter(toast => toast.id !== id)))
}

/** Does something for a button, and says when it could not be done. Resolves whether it could. */
export async function attempt(action: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await action()
    if (done) tell(done)
    return true
  } catch (error) {
    tell(error instanceof ApiError ? `${error.message} (${error.code})` : String(error), { isBad: true })
    return false
  }
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, isBad }) => (
        <p key={id} class={isBad ? 'bad' : ''}>
          {text}
        </p>
      ))}
    </div>
  )
}
