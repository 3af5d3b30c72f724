import type { NodePlan, SubtopologyPlan, TopologyPlan } from '../topology/plan.ts'

/**
 * A flowchart of Mermaid: topics slanted, nodes as boxes in their sub-topologies, stores as drums. A topic
 * between two sub-topologies joins them; a dotted line leads to a changelog.
 */
export function describeMermaid(plan: TopologyPlan): string {
  const chart = new Chart()
  for (const each of plan.subtopologies) chart.add(each, `Sub-topology ${each.id}`)
  for (const each of plan.globalSubtopologies) chart.add(each, `Sub-topology ${each.id}, global`)
  return chart.text()
}

class Chart {
  /** Ids by kind and name: names may hold what Mermaid gives a meaning. */
  readonly #ids = new Map<string, string>()
  readonly #topics: string[] = []
  readonly #groups: string[] = []
  readonly #edges: string[] = []

  add({ id, nodes, stores }: SubtopologyPlan, title: string): void {
    const boxes = nodes.map(({ name }) => `${this.#id('node', name)}[${quoted(name)}]`)
    const drums = stores.map(({ builder: { name } }) => `${this.#id('store', name)}[(${quoted(name)})]`)
    const lines = [...boxes, ...drums].map(line => `    ${line}\n`).join('')
    this.#groups.push(`  subgraph s${id}[${quoted(title)}]\n${lines}  end\n`)
    for (const node of nodes) this.#connect(node)
    for (const { builder, changelogTopic, changelogIsSource } of stores) {
      if (changelogTopic === undefined || changelogIsSource) continue
      this.#edge(this.#id('store', builder.name), '-.->', this.#topic(changelogTopic))
    }
  }

  text(): string {
    return `flowchart TD\n${[...this.#topics, ...this.#groups, ...this.#edges].join('')}`
  }

  #connect(node: NodePlan): void {
    const id = this.#id('node', node.name)
    if (node.kind === 'sink') {
      const topic = typeof node.topic === 'string' ? node.topic : 'chosen by the record'
      this.#edge(id, '-->', this.#topic(topic))
      return
    }
    if (node.kind === 'source') {
      const topics = node.pattern ? [`/${node.pattern.source}/`] : node.topics
      for (const topic of topics) this.#edge(this.#topic(topic), '-->', id)
    } else for (const store of node.stores) this.#edge(id, '---', this.#id('store', store))
    for (const child of node.children) this.#edge(id, '-->', this.#id('node', child))
  }

  #edge(from: string, arrow: string, to: string): void {
    this.#edges.push(`  ${from} ${arrow} ${to}\n`)
  }

  #topic(name: string): string {
    const known = this.#ids.size
    const id = this.#id('topic', name)
    if (this.#ids.size > known) this.#topics.push(`  ${id}[/${quoted(name)}/]\n`)
    return id
  }

  #id(kind: 'node' | 'store' | 'topic', name: string): string {
    const key = `${kind} ${name}`
    const id = this.#ids.get(key) ?? `${kind}${this.#ids.size}`
    this.#ids.set(key, id)
    return id
  }
}

/** Mermaid's own escapes are those of HTML, with # for &. */
function quoted(text: string): string {
  return `"${text.replaceAll('#', '#35;').replaceAll('"', '#quot;')}"`
}
