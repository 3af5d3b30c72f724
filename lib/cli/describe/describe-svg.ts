import type { TopologyPlan } from '../../topology/plan.ts'
import { BOX_HEIGHT, layOut, type PlacedBox, type PlacedGroup } from './graph-layout.ts'
import { topologyGraph, type Box, type Edge } from './topology-graph.ts'

const STYLE = `
text { font: 12px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #15242b; text-anchor: middle; dominant-baseline: central; }
.title { font-weight: 600; text-anchor: start; fill: #53646d; stroke: #f4f6f7; stroke-width: 5px; paint-order: stroke; }
.page { fill: #fff; }
.group { fill: #f4f6f7; stroke: #d9e0e4; }
.node { fill: #fff; stroke: #53646d; }
.topic { fill: #d7efec; stroke: #0b7a75; }
.store { fill: #fff1d6; stroke: #8a5a00; }
.edge { fill: none; stroke: #53646d; stroke-width: 1.3; }
.head { fill: #53646d; }
.changelog { stroke-dasharray: 4 4; }
@media (prefers-color-scheme: dark) {
  text { fill: #e8eef0; } .title { fill: #9fb0b7; stroke: #182226; } .page { fill: #0f1619; } .group { fill: #182226; stroke: #2c3a40; }
  .node { fill: #0f1619; stroke: #9fb0b7; } .topic { fill: #123c3a; stroke: #4cc3bb; } .store { fill: #3d2f12; stroke: #e0b15c; }
  .edge { stroke: #9fb0b7; } .head { fill: #9fb0b7; }
}
`

/** Width of a letter at 12 px, in the widest of the fonts. */
const LETTER_WIDTH = 7.4
const LETTERS_MAX = 56
const SLANT = 10

/**
 * A picture: topics slanted, nodes as boxes in their sub-topologies, stores as drums; a dotted line leads to
 * a changelog.
 */
export function describeSvg(plan: TopologyPlan): string {
  const graph = topologyGraph(plan)
  const { boxes, groups, width, height } = layOut(graph, widthOf)
  const [w, h] = [Math.ceil(width), Math.ceil(height)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img">`,
    `<title>${escaped(`Topology of ${plan.applicationId}`)}</title>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
    `<rect class="page" width="${w}" height="${h}"/>`,
    ...groups.map(groupShape),
    ...graph.edges.map(edge => line(edge, boxes)),
    ...groups.map(groupTitle),
    ...[...boxes.values()].map(boxShape),
    '</svg>\n',
  ].join('\n')
}

function widthOf({ kind, name }: Box): number {
  return shortened(name).length * LETTER_WIDTH + (kind === 'topic' ? 2 * SLANT : 0) + 20
}

function shortened(name: string): string {
  return name.length <= LETTERS_MAX ? name : `${name.slice(0, LETTERS_MAX - 1)}…`
}

function groupShape({ left, top, width, height }: PlacedGroup): string {
  return `<rect class="group" ${place(left, top)} width="${number(width)}" height="${number(height)}" rx="8"/>`
}

/** After the lines, which it stands before. */
function groupTitle({ title, left, top }: PlacedGroup): string {
  return `<text class="title" ${place(left + 12, top + 16)}>${escaped(title)}</text>`
}

function boxShape({ kind, name, x, y, width }: PlacedBox): string {
  const [left, right] = [x - width / 2, x + width / 2]
  const [top, bottom] = [y - BOX_HEIGHT / 2, y + BOX_HEIGHT / 2]
  const paths = {
    node: `M${at(left, top)}H${number(right)}V${number(bottom)}H${number(left)}z`,
    topic: `M${at(left + SLANT, top)}H${number(right)}L${at(right - SLANT, bottom)}H${number(left)}z`,
    store:
      `M${at(left, top + 4)}C${at(left, top - 1)} ${at(right, top - 1)} ${at(right, top + 4)}V${number(bottom - 4)}` +
      `C${at(right, bottom + 1)} ${at(left, bottom + 1)} ${at(left, bottom - 4)}z` +
      `M${at(left, top + 4)}C${at(left, top + 9)} ${at(right, top + 9)} ${at(right, top + 4)}`,
  }
  const label = `<text ${place(x, kind === 'store' ? y + 3 : y)}>${escaped(shortened(name))}</text>`
  return `<g><title>${escaped(name)}</title><path class="${kind}" d="${paths[kind]}"/>${label}</g>`
}

function line({ from, to, kind }: Edge, boxes: ReadonlyMap<string, PlacedBox>): string {
  const [start, end] = [boxes.get(from)!, boxes.get(to)!]
  const isDown = end.y > start.y
  const [y1, y2] = isDown
    ? [start.y + BOX_HEIGHT / 2, end.y - BOX_HEIGHT / 2]
    : [start.y - BOX_HEIGHT / 2, end.y + BOX_HEIGHT / 2]
  const bend = (y2 - y1) / 2
  const path = `M${at(start.x, y1)}C${at(start.x, y1 + bend)} ${at(end.x, y2 - bend)} ${at(end.x, y2)}`
  const head = kind === 'state' ? '' : ' marker-end="url(#head)"'
  return `<path class="edge ${kind}" d="${path}"${head}/>`
}

function place(x: number, y: number): string {
  return `x="${number(x)}" y="${number(y)}"`
}

function at(x: number, y: number): string {
  return `${number(x)} ${number(y)}`
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** Names are anything; what XML cannot hold at all is shown as a box. */
function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
