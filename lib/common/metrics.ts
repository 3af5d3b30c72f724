/** A number that only grows. A class with a public field: the record path increments it without a call. */
export class Counter {
  value = 0

  add(amount = 1): void {
    this.value += amount
  }
}

export interface MetricSample {
  readonly name: string
  readonly tags: { readonly [tag: string]: string }
  readonly value: number
}

/**
 * Counters and gauges by name and tags. Both are those of the JVM original (`dropped-records-total`,
 * `process-total`; `task-id`), so that all a task leaves behind is found by one tag. Asking twice for the
 * same counter gives the same object.
 */
export class Metrics {
  readonly #counters = new Map<string, { name: string; tags: { [tag: string]: string }; counter: Counter }>()
  readonly #gauges = new Map<string, { name: string; tags: { [tag: string]: string }; read: () => number }>()

  counter(name: string, tags: { [tag: string]: string } = {}): Counter {
    const key = metricKey(name, tags)
    let entry = this.#counters.get(key)
    if (!entry) this.#counters.set(key, (entry = { name, tags, counter: new Counter() }))
    return entry.counter
  }

  gauge(name: string, tags: { [tag: string]: string }, read: () => number): void {
    this.#gauges.set(metricKey(name, tags), { name, tags, read })
  }

  /**
   * Forgets gauges and counters that carry these tags, others beside them or not: what a closed task or store
   * leaves behind.
   */
  remove(tags: { readonly [tag: string]: string }): void {
    const wanted = Object.entries(tags)
    for (const registry of [this.#counters, this.#gauges]) {
      for (const [key, entry] of registry) {
        if (wanted.every(([tag, value]) => entry.tags[tag] === value)) registry.delete(key)
      }
    }
  }

  samples(): MetricSample[] {
    return [
      ...Array.from(this.#counters.values(), ({ name, tags, counter }) => ({
        name,
        tags,
        value: counter.value,
      })),
      ...Array.from(this.#gauges.values(), ({ name, tags, read }) => ({ name, tags, value: read() })),
    ]
  }

  /** The sum over all tags. */
  total(name: string): number {
    return this.samples().reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0)
  }
}

function metricKey(name: string, tags: { [tag: string]: string }): string {
  return `${name}|${Object.keys(tags)
    .sort()
    .map(tag => `${tag}=${tags[tag]}`)
    .join(',')}`
}
