import { Component, type ComponentChildren } from 'preact'

interface GuardProps {
  /** What is shown: another one begins anew after an error. */
  readonly place: string
  readonly children: ComponentChildren
}

interface GuardState {
  readonly error?: Error | undefined
  readonly place?: string
}

/** A part of the page that fails says so in its place; the rest goes on. */
export class Guard extends Component<GuardProps, GuardState> {
  static override getDerivedStateFromError(error: Error): GuardState {
    return { error }
  }

  override componentDidUpdate(before: GuardProps): void {
    if (before.place !== this.props.place && this.state.error) this.setState({ error: undefined })
  }

  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <div class="notice bad" role="alert">
        <div>
          <strong>This part of the page has failed.</strong>
          <p>
            <code>{error.message}</code>
          </p>
        </div>
        <button type="button" onClick={() => this.setState({ error: undefined })}>
          Try again
        </button>
      </div>
    )
  }
}
