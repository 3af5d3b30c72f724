import { present } from '../../common/assert.ts'
import type { NodePlan, SourceNodePlan } from '../../topology/plan.ts'
import { matchesTopic } from '../../topology/topic-pattern.ts'
import type { DefaultSerdes } from '../plan/settings.ts'
import type { TaskNode } from './task-node.ts'
import { ProcessorNode } from './processor-node.ts'
import { serdesOf } from './node-serdes.ts'
import { SinkNode } from './sink-node.ts'
import { SourceNode } from './source-node.ts'
import type { TaskScope } from './task-scope.ts'

/** The running nodes of one task, made from the plan, and made anew after an abort. */
export class ProcessorTopology {
  readonly #sources = new Map<string, SourceNode>()
  readonly #patterns: (readonly [RegExp, SourceNode])[] = []
  readonly #processors: ProcessorNode[] = []
  readonly #scope: TaskScope

  constructor(plans: readonly NodePlan[], scope: TaskScope, defaults: DefaultSerdes) {
    this.#scope = scope
    const nodes = new Map<string, TaskNode>()
    for (const plan of plans) nodes.set(plan.name, this.#build(plan, scope, defaults))
    for (const plan of plans) {
      if (plan.kind === 'sink') continue
      const children = plan.children.map(name => present(nodes.get(name), `child node ${name}`))
      const node = nodes.get(plan.name) as SourceNode | ProcessorNode
      node.context.connect(children)
    }
  }

  /**
   * Calls the processors' `init`, in the order in which they were added. Where one fails, those before it are
   * closed: they may have begun something that goes on by itself, such as calls.
   */
  init(): void {
    const initialised: ProcessorNode[] = []
    try {
      for (const node of this.#processors) {
        node.init()
        initialised.push(node)
      }
    } catch (error) {
      for (const node of initialised) this.#closeQuietly(node)
      throw error
    }
  }

  close(): void {
    for (const node of this.#processors) node.close()
  }

  /** The node that reads this topic. */
  sourceOf(topic: string): SourceNode {
    return this.#sources.get(topic) ?? this.#sourceByPattern(topic)
  }

  #closeQuietly(node: ProcessorNode): void {
    try {
      node.close()
    } catch (error) {
      this.#scope.logger.log('warn', `processor "${node.name}" failed to close`, { error })
    }
  }

  /** The node that reads a topic which came up after the nodes were built, as in a test driver. */
  #sourceByPattern(topic: string): SourceNode {
    const [, node] = present(
      this.#patterns.find(([pattern]) => matchesTopic(pattern, topic)),
      `source node of topic ${topic}`,
    )
    this.#sources.set(topic, node)
    return node
  }

  #build(plan: NodePlan, scope: TaskScope, defaults: DefaultSerdes): TaskNode {
    if (plan.kind === 'source') return this.#buildSource(plan, scope)
    if (plan.kind === 'sink') {
      const format = { ...serdesOf(plan, defaults), partitioner: plan.partitioner }
      return new SinkNode(plan.name, plan.topic, format, scope)
    }
    const node = new ProcessorNode(plan, plan.supplier.get(), scope)
    this.#processors.push(node)
    return node
  }

  #buildSource(plan: SourceNodePlan, scope: TaskScope): SourceNode {
    const node = new SourceNode(plan.name, scope)
    for (const topic of plan.topics) this.#sources.set(topic, node)
    if (plan.pattern) this.#patterns.push([plan.pattern, node])
    return node
  }
}
