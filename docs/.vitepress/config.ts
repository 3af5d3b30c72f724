import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type DefaultTheme } from 'vitepress'

const page = (text: string, name: string): DefaultTheme.SidebarItem => ({ text, link: `/${name}` })

const GUIDE = [
  page('Getting started', 'getting-started'),
  page('Operators', 'operators'),
  page('Windows and time', 'windows-and-time'),
  page('Joins', 'joins'),
  page('State and queries', 'state-and-queries'),
  page('Processors and asynchronous calls', 'processors-and-async'),
  page('Errors and dead letters', 'errors-and-dead-letters'),
  page('Serdes and the schema registry', 'serdes-and-registry'),
  page('Testing', 'testing'),
  page('HTTP', 'http'),
  page('Patterns', 'patterns'),
]

const OPERATION = [
  page('Running on Kafka', 'running-on-kafka'),
  page('Operations', 'operations'),
  page('Command line', 'command-line'),
]

const BACKGROUND = [
  page('Guarantees', 'guarantees'),
  page('Differences from Kafka Streams', 'differences-from-kafka-streams'),
  page('Benchmarks', 'benchmarks'),
  page('Architecture', 'architecture'),
]

/** Made by TypeDoc, before the site is built. */
const hasApi = existsSync(fileURLToPath(new URL('../api/index.md', import.meta.url)))
const API = [
  page('millrace', 'api/index/'),
  page('millrace/testing', 'api/testing/'),
  page('millrace/http', 'api/http/'),
]

/** A wheel, so that browsers ask for no file. */
const ICON =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#2f7f9b" stroke-width="3">' +
      '<circle cx="12" cy="12" r="8"/><path d="M12 1v22M1 12h22"/></svg>',
  )

/** The site of `npm run docs`. Nothing of it comes from elsewhere: no fonts, no scripts, no search service. */
export default defineConfig({
  title: 'Millrace',
  description: 'Kafka Streams for Node.js: topologies with local state and exactly-once commits',
  lang: 'en-GB',
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  // Files of the repository, which a reader of the site does not have.
  ignoreDeadLinks: [/CHANGELOG/],
  head: [['link', { rel: 'icon', href: ICON }]],
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Guide', link: '/getting-started' },
      { text: 'Operation', link: '/running-on-kafka' },
      ...(hasApi ? [{ text: 'API', link: '/api/' }] : []),
    ],
    sidebar: [
      { text: 'Guide', items: GUIDE },
      { text: 'Operation', items: OPERATION },
      { text: 'Background', items: BACKGROUND },
      ...(hasApi ? [{ text: 'API', items: API }] : []),
    ],
  },
})
