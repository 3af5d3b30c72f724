import type { Live, LiveStore } from '../core/api-types.ts'
import { bytes, rate, short } from '../core/format.ts'
import { nodeLabel } from '../core/labels.ts'
import { PORT, ROW_HEIGHT, type PlacedBox } from './lay-out.ts'
import type { Choice } from './choice.ts'

interface BoxViewProps {
  readonly box: PlacedBox
  readonly live: Live | undefined
  readonly chosen?: Choice | undefined
  readonly onChoose: (choice: Choice) => void
}

const MARKS = {
  topic: 'M-5 -3.5h10M-5 0h10M-5 3.5h6',
  source: 'M-5 0h8M0 -3l3 3-3 3M5 -5v10',
  sink: 'M-5 -5v10M-3 0h8M2 -3l3 3-3 3',
  processor: 'M-4.5 -4.5h9v9h-9zM-1.5 -1.5h3v3h-3z',
}

/** A topic or a node; what a processor keeps stands below it. */
export function BoxView({ box, live, chosen, onChoose }: BoxViewProps) {
  const { kind, name, x, y, width, height, stores } = box
  const choice: Choice = { kind: kind === 'topic' ? 'topic' : 'node', name }
  const isChosen = chosen?.kind === choice.kind && chosen.name === name
  if (kind === 'source' || kind === 'sink')
    return <Port box={box} live={live} isChosen={isChosen} onOpen={() => onChoose(choice)} />
  return (
    <g class={`box ${kind} ${isChosen ? 'chosen' : ''}`} transform={`translate(${x} ${y})`}>
      <title>{name}</title>
      <g {...clickable(`${kind} ${name}`, () => onChoose(choice))}>
        <rect width={width} height={height} rx={kind === 'topic' ? 22 : 8} />
        <path class="mark" d={MARKS[kind]} transform="translate(20 22)" />
        <text class="name" x="34" y="19">
          {fitted(kind === 'topic' ? name : nodeLabel(name), (width - 44) / 7.6)}
        </text>
        <text class="about" x="34" y="34">
          {aboutOf(box, live)}
        </text>
      </g>
      {stores.map((store, at) => (
        <StoreRow
          key={store}
          name={store}
          at={at}
          width={width}
          live={live}
          isChosen={chosen?.kind === 'store' && chosen.name === store}
          onChoose={onChoose}
        />
      ))}
    </g>
  )
}

interface PortProps {
  readonly box: PlacedBox
  readonly live: Live | undefined
  readonly isChosen: boolean
  readonly onOpen: () => void
}

/** A source or a sink. */
function Port({ box: { kind, name, x, y }, live, isChosen, onOpen }: PortProps) {
  const middle = PORT / 2
  return (
    <g
      class={`box port ${isChosen ? 'chosen' : ''}`}
      transform={`translate(${x} ${y})`}
      {...clickable(`${kind} ${name}`, onOpen)}
    >
      <title>{`${kind} ${name}: ${rate(live?.nodes[name]?.processRate)}`}</title>
      <circle cx={middle} cy={middle} r={middle} />
      <path class="mark" d={MARKS[kind]} transform={`translate(${middle} ${middle})`} />
    </g>
  )
}

interface StoreRowProps extends Pick<BoxViewProps, 'live' | 'onChoose'> {
  readonly name: string
  readonly at: number
  readonly width: number
  readonly isChosen: boolean
}

function StoreRow({ name, at, width, live, isChosen, onChoose }: StoreRowProps) {
  const store = live?.stores.find(each => each.name === name)
  const size = sizeOf(store)
  return (
    <g
      class={`store ${isChosen ? 'chosen' : ''}`}
      transform={`translate(6 ${44 + at * ROW_HEIGHT})`}
      {...clickable(`store ${name}`, () => onChoose({ kind: 'store', name }))}
    >
      <title>{name}</title>
      <rect width={width - 12} height={ROW_HEIGHT - 2} rx="5" />
      <path
        class="mark"
        d="M-4 -3.5c0-2 8-2 8 0v7c0 2-8 2-8 0zM-4 -3.5c0 2 8 2 8 0"
        transform="translate(14 10)"
      />
      <text class="name" x="25" y="14">
        {fitted(name, (width - 50 - size.length * 6.2) / 6.5)}
      </text>
      <text class="size" x={width - 20} y="14">
        {size}
      </text>
    </g>
  )
}

/** Keys where they are counted, else what the store takes. */
function sizeOf(store: LiveStore | undefined): string {
  if (store?.keys !== null && store?.keys !== undefined)
    return `${short(store.keys)} ${store.keys === 1 ? 'key' : 'keys'}`
  return store?.bytes ? bytes(store.bytes) : ''
}

function aboutOf({ kind, name, node }: PlacedBox, live: Live | undefined): string {
  if (kind === 'topic') {
    const topic = live?.topics[name]
    if (!topic) return 'topic'
    const records = topic.partitions.reduce((sum, { begin, end }) => sum + end - begin, 0)
    return `${short(records)} records`
  }
  const flags = [node?.retry && 'retry', node?.async && 'async', node?.schedule && 'schedule'].filter(Boolean)
  const perSecond = live?.nodes[name]?.processRate
  return [perSecond === undefined ? kind : rate(perSecond), ...flags].join(' · ')
}

const clickable = (label: string, open: () => void) => ({
  role: 'button' as const,
  // SVG knows the name in small letters only.
  tabindex: 0,
  'aria-label': label,
  onClick: open,
  onKeyDown: (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    open()
  },
})

const fitted = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, Math.max(3, Math.floor(room) - 1))}…`
