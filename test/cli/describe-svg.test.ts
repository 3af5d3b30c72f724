import { describe, expect, it } from 'vitest'
import { describeSvg } from '../../lib/cli/describe/describe-svg.ts'
import { BOX_HEIGHT, layOut } from '../../lib/cli/describe/graph-layout.ts'
import { topologyGraph } from '../../lib/cli/describe/topology-graph.ts'
import { serdes, StreamsBuilder, type Topology } from '../../lib/index.ts'
import { launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { directoryWith, runCli } from './cli-process.ts'
import { WORD_COUNT } from './built-cli.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Writes what it reads. */
function looping(): Topology {
  const builder = new StreamsBuilder()
  builder.stream('again', text).to('again', text)
  return builder.build()
}

function hostile(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(/<a&"b'>.*/, { ...text, name: 'from' })
    .to(() => 'x', { ...text, name: `to-${'n'.repeat(80)}` })
  builder.globalTable('all', { ...text, storeName: 'everywhere' })
  return builder.build()
}

/** Sources that meet, and part again. */
function joining(): Topology {
  const builder = new StreamsBuilder()
  const table = builder.table('users', { ...text, storeName: 'users' })
  const joined = builder.stream('clicks', text).join(table, (click, user) => `${click} ${user}`)
  joined.filter(value => value > 'm').to('late', text)
  joined
    .groupBy(value => value, text)
    .count({ storeName: 'counts' })
    .toStream()
    .to('counts')
  joined.merge(builder.stream('more', text)).to('all', text)
  return builder.build()
}

const TOPOLOGIES = { looping, hostile, joining }

describe.each(Object.entries(TOPOLOGIES))('the layout of %s', (_, topology) => {
  const graph = topologyGraph(topology().plan('app'))
  const { boxes, groups, width, height } = layOut(graph, ({ name }) => 20 + 7 * name.length)

  it('has each box once, within the picture, and none over another', () => {
    const all = [...boxes.values()]
    expect(all.map(({ id }) => id).sort()).toEqual(
      [...graph.topics, ...graph.groups.flatMap(group => group.boxes)].map(({ id }) => id).sort(),
    )
    for (const box of all) {
      expect(box.x - box.width / 2).toBeGreaterThanOrEqual(0)
      expect(box.x + box.width / 2).toBeLessThanOrEqual(width)
      expect(box.y + BOX_HEIGHT / 2).toBeLessThanOrEqual(height)
      for (const other of all) {
        const isApart =
          Math.abs(box.x - other.x) >= (box.width + other.width) / 2 ||
          Math.abs(box.y - other.y) >= BOX_HEIGHT
        expect(box === other || isApart, `${box.name} and ${other.name}`).toBe(true)
      }
    }
  })

  it('has the boxes of a sub-topology in it, topics outside, and no sub-topology over another', () => {
    groups.forEach((group, at) => {
      const isIn = ({ x, y }: { readonly x: number; readonly y: number }) =>
        x > group.left && x < group.left + group.width && y > group.top && y < group.top + group.height
      for (const { id } of graph.groups[at]!.boxes) expect(isIn(boxes.get(id)!)).toBe(true)
      for (const { id } of graph.topics) expect(isIn(boxes.get(id)!)).toBe(false)
      for (const other of groups.slice(at + 1)) {
        const isApart =
          other.left >= group.left + group.width ||
          group.left >= other.left + other.width ||
          other.top >= group.top + group.height ||
          group.top >= other.top + other.height
        expect(isApart).toBe(true)
      }
    })
  })
})

it('millrace describe --format svg prints it', async () => {
  const directory = await directoryWith({})
  const end = await runCli(['describe', WORD_COUNT, '--format', 'svg'], { directory })
  expect(end).toMatchObject({ code: 0, stderr: '' })
  expect(end.stdout).toMatch(/^<svg [^]*<\/svg>\n$/)
  expect(end.stdout).toContain('>word-count-word-counts-repartition<')
})

const { suite } = await needs('Chromium')

await suite('a browser', () => {
  it('reads it as XML, with names as they are, and each text within its box', async () => {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.goto(`data:image/svg+xml,${encodeURIComponent(describeSvg(hostile().plan('a<b')))}`)
      const found = await page.evaluate(`({
        title: document.querySelector('title').textContent,
        names: [...document.querySelectorAll('g > title')].map(each => each.textContent),
        overhang: [...document.querySelectorAll('g')].map(group =>
          group.querySelector('text').getBBox().width - group.querySelector('path').getBBox().width),
      })`)
      const { title, names, overhang } = found as { title: string; names: string[]; overhang: number[] }
      expect(title).toBe('Topology of a<b')
      expect(names).toEqual(expect.arrayContaining([`/<a&"b'>.*/`, `to-${'n'.repeat(80)}`, 'everywhere']))
      expect(Math.max(...overhang)).toBeLessThan(0)
    } finally {
      await browser.close()
    }
  })
})
