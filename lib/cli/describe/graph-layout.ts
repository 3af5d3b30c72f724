import type { Box, Edge, Group, TopologyGraph } from './topology-graph.ts'

/** A box in its place; `x` and `y` are its centre, in pixels. */
export interface PlacedBox extends Box {
  x: number
  y: number
  readonly width: number
}

export interface PlacedGroup {
  readonly title: string
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface Layout {
  readonly boxes: ReadonlyMap<string, PlacedBox>
  readonly groups: readonly PlacedGroup[]
  readonly width: number
  readonly height: number
}

export const BOX_HEIGHT = 34
export const MARGIN = 24
const GAP_X = 28
const GAP_Y = 34
const PADDING = 20
const TITLE_HEIGHT = 26
const SWEEPS = 4

type WidthOf = (box: Box) => number

/**
 * Layers from top to bottom, each edge downwards but for what leads back. Sub-topologies that feed others
 * come above them; a topic stands below those that write it, else above those that read it.
 */
export function layOut(graph: TopologyGraph, widthOf: WidthOf): Layout {
  const blocks = graph.groups.map(group => new Block(group, graph.edges, widthOf))
  const rows = placeInRows(graph, blocks, widthOf)
  const boxes = new Map<string, PlacedBox>()
  const groups: PlacedGroup[] = []
  const width = Math.max(...rows.map(row => row.width), 0) + 2 * MARGIN
  let y = MARGIN
  for (const row of rows) {
    let left = (width - row.width) / 2
    for (const block of row.blocks) {
      groups.push({ title: block.title, left, top: y, width: block.width, height: block.height })
      for (const box of block.boxes) boxes.set(box.id, { ...box, x: left + box.x, y: y + box.y })
      left += block.width + GAP_X
    }
    for (const box of row.topics)
      boxes.set(box.id, { ...box, x: left + box.width / 2, y: y + BOX_HEIGHT / 2 })
    y += row.height + GAP_Y
  }
  for (const { topics } of rows)
    alignTopics(
      topics.map(({ id }) => boxes.get(id)!),
      graph.edges,
      boxes,
      width,
    )
  return { boxes, groups, width, height: y - GAP_Y + MARGIN }
}

/** Sub-topologies of one rank beside each other, or topics. */
interface Row {
  readonly blocks: readonly Block[]
  readonly topics: readonly PlacedBox[]
  readonly width: number
  readonly height: number
}

function placeInRows({ topics, edges }: TopologyGraph, blocks: readonly Block[], widthOf: WidthOf): Row[] {
  const blockOf = new Map(blocks.flatMap(block => block.boxes.map(({ id }) => [id, block] as const)))
  const writers = (topic: Box) =>
    edges.flatMap(({ from, to }) => (to === topic.id ? (blockOf.get(from) ?? []) : []))
  const readers = (topic: Box) =>
    edges.flatMap(({ from, to }) => (from === topic.id ? (blockOf.get(to) ?? []) : []))
  const between = topics.flatMap(topic =>
    writers(topic).flatMap(from => readers(topic).map(to => [from, to] as const)),
  )
  const ranks = ranksOf(blocks, between)
  const rankOf = (block: Block) => ranks.get(block)!
  // Rows of topics have odd numbers, between those of the blocks.
  const rowOf = (topic: Box) => {
    const above = writers(topic).map(rankOf)
    return above.length > 0 ? 2 * Math.max(...above) + 1 : 2 * Math.min(...readers(topic).map(rankOf)) - 1
  }
  const last = Math.max(0, ...blocks.map(rankOf))
  return Array.from({ length: 2 * last + 3 }, (_, at) => at - 1).flatMap(number => {
    const inRow = blocks.filter(block => 2 * rankOf(block) === number)
    const between = topics.filter(topic => rowOf(topic) === number)
    const placed = between.map(topic => ({ ...topic, width: widthOf(topic), x: 0, y: 0 }))
    const items = [...inRow, ...placed]
    if (items.length === 0) return []
    const width = items.reduce((sum, item) => sum + item.width + GAP_X, -GAP_X)
    const height = Math.max(BOX_HEIGHT, ...inRow.map(block => block.height))
    return [{ blocks: inRow, topics: placed, width, height }]
  })
}

/** Topics under or over what they are connected with, as far as they have room. */
function alignTopics(
  row: readonly PlacedBox[],
  edges: readonly Edge[],
  boxes: ReadonlyMap<string, PlacedBox>,
  width: number,
): void {
  const wish = ({ id }: Box) => {
    const others = edges.flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : []))
    return mean(others.map(other => boxes.get(other)!.x)) ?? width / 2
  }
  const wished = new Map(row.map(box => [box, wish(box)]))
  spread(
    [...row].sort((one, other) => wished.get(one)! - wished.get(other)!),
    wished,
    {
      from: MARGIN,
      to: width - MARGIN,
    },
  )
}

/** Places boxes from left to right as near to where they wish to be as the others allow. */
function spread(
  row: readonly PlacedBox[],
  wished: ReadonlyMap<PlacedBox, number>,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  let left = from
  for (const box of row) {
    box.x = Math.max(left + box.width / 2, wished.get(box)!)
    left = box.x + box.width / 2 + GAP_X
  }
  let right = to
  for (const box of [...row].reverse()) {
    box.x = Math.min(box.x, right - box.width / 2)
    right = box.x - box.width / 2 - GAP_X
  }
}

/** A sub-topology with its boxes in layers; places are relative to its top left corner. */
class Block {
  readonly title: string
  readonly boxes: readonly PlacedBox[]
  readonly width: number
  readonly height: number

  constructor({ title, boxes }: Group, edges: readonly Edge[], widthOf: WidthOf) {
    this.title = title
    this.boxes = boxes.map(box => ({ ...box, width: widthOf(box), x: 0, y: 0 }))
    const byId = new Map(this.boxes.map(box => [box.id, box]))
    const own = edges.flatMap(({ from, to }) => {
      const [above, below] = [byId.get(from), byId.get(to)]
      return above && below ? [[above, below] as const] : []
    })
    const layers = layersOf(this.boxes, own)
    const widest = Math.max(...layers.map(rowWidth), 8 * title.length)
    this.width = widest + 2 * PADDING
    layers.forEach((layer, at) => {
      const y = TITLE_HEIGHT + PADDING / 2 + at * (BOX_HEIGHT + GAP_Y) + BOX_HEIGHT / 2
      for (const box of layer) box.y = y
    })
    this.height = TITLE_HEIGHT + PADDING * 1.5 + layers.length * (BOX_HEIGHT + GAP_Y) - GAP_Y
    this.#align(layers, own)
  }

  /**
   * Each layer in the order, and near the middle, of what it is connected with; to and fro, since one layer's
   * places follow from the next one's.
   */
  #align(layers: readonly PlacedBox[][], edges: readonly (readonly [PlacedBox, PlacedBox])[]): void {
    const room = { from: PADDING, to: this.width - PADDING }
    for (const layer of layers) spread(layer, new Map(layer.map(box => [box, this.width / 2])), room)
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const isDown = sweep % 2 === 0
      for (const layer of isDown ? layers : [...layers].reverse()) {
        const neighbours = (box: PlacedBox) =>
          edges.flatMap(([above, below]) =>
            isDown && below === box ? [above.x] : !isDown && above === box ? [below.x] : [],
          )
        const wished = new Map(layer.map(box => [box, mean(neighbours(box)) ?? box.x]))
        layer.sort((one, other) => wished.get(one)! - wished.get(other)!)
        spread(layer, wished, room)
      }
    }
  }
}

function layersOf(
  boxes: readonly PlacedBox[],
  edges: readonly (readonly [PlacedBox, PlacedBox])[],
): PlacedBox[][] {
  const ranks = ranksOf(boxes, edges)
  const layers: PlacedBox[][] = []
  for (const box of boxes) (layers[ranks.get(box)!] ??= []).push(box)
  return layers
}

function rowWidth(row: readonly PlacedBox[]): number {
  return row.reduce((sum, { width }) => sum + width + GAP_X, -GAP_X)
}

/** The longest way from above, by edges that do not lead back to where they come from. */
function ranksOf<T>(items: readonly T[], edges: readonly (readonly [T, T])[]): ReadonlyMap<T, number> {
  const ranks = new Map<T, number>()
  const onWay = new Set<T>()
  const rankOf = (item: T): number => {
    const known = ranks.get(item)
    if (known !== undefined) return known
    onWay.add(item)
    const above = edges.flatMap(([from, to]) => (to === item && !onWay.has(from) ? [rankOf(from)] : []))
    onWay.delete(item)
    const rank = Math.max(-1, ...above) + 1
    ranks.set(item, rank)
    return rank
  }
  for (const item of items) rankOf(item)
  return ranks
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}
