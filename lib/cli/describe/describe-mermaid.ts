import type { TopologyPlan } from '../../topology/plan.ts'
import { topologyGraph, type Box, type Edge } from './topology-graph.ts'

const ARROWS: { readonly [kind in Edge['kind']]: string } = { flow: '-->', state: '---', changelog: '-.->' }

/**
 * A flowchart of Mermaid: topics slanted, nodes as boxes in their sub-topologies, stores as drums. A topic
 * between two sub-topologies joins them; a dotted line leads to a changelog.
 */
export function describeMermaid(plan: TopologyPlan): string {
  const { topics, groups, edges } = topologyGraph(plan)
  return [
    'flowchart TD\n',
    ...topics.map(box => `  ${shape(box)}\n`),
    ...groups.map(({ id, title, boxes }) => {
      const lines = boxes.map(box => `    ${shape(box)}\n`).join('')
      return `  subgraph s${id}[${quoted(title)}]\n${lines}  end\n`
    }),
    ...edges.map(({ from, to, kind }) => `  ${from} ${ARROWS[kind]} ${to}\n`),
  ].join('')
}

function shape({ id, kind, name }: Box): string {
  const [open, close] = { topic: ['[/', '/]'], node: ['[', ']'], store: ['[(', ')]'] }[kind]
  return `${id}${open}${quoted(name)}${close}`
}

/** Mermaid's own escapes are those of HTML, with # for &. */
function quoted(text: string): string {
  return `"${text.replaceAll('#', '#35;').replaceAll('"', '#quot;')}"`
}
