import { defineConfig } from 'vitepress'

const page = (text: string, link: string) => ({ text, link })

/** The site of the documents: `npm run docs` builds it into docs/.vitepress/dist. Nothing in it comes from other servers. */
export default defineConfig({
  title: 'Millrace',
  description: 'Kafka Streams for Node.js',
  lang: 'en',
  cleanUrls: true,
  lastUpdated: false,
  // None, rather than a question for one that is not there.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [page('Guide', '/operators'), page('API', '/api/index/README'), page('Changes', '/changes')],
    sidebar: {
      '/api/': [
        {
          text: 'API',
          items: [
            page('millrace', '/api/index/README'),
            page('millrace/testing', '/api/testing/README'),
            page('millrace/http', '/api/http/README'),
            page('millrace/push', '/api/push/README'),
            page('millrace/push/client', '/api/push-client/README'),
          ],
        },
      ],
      '/': [
        {
          text: 'To learn',
          items: [
            page('In five minutes', '/'),
            page('Getting started', '/getting-started'),
            page('Operators', '/operators'),
            page('Windows and time', '/windows-and-time'),
            page('Joins', '/joins'),
            page('State and queries', '/state-and-queries'),
            page('Projections', '/projections'),
            page('Processors', '/processors'),
            page('Asynchronous calls', '/asynchronous-calls'),
            page('Retries', '/retries'),
            page('Schedules', '/schedules'),
            page('Key-value store', '/key-value-store'),
            page('Batches and duplicates', '/gather'),
            page('Databases and requests', '/outbox'),
            page('Errors and dead letters', '/errors-and-dead-letters'),
            page('Serdes', '/serdes'),
            page('Context and tracing', '/context-and-tracing'),
            page('Testing', '/testing'),
            page('HTTP', '/http'),
            page('Push', '/push'),
            page('Console', '/console'),
            page('The six patterns', '/patterns'),
          ],
        },
        {
          text: 'To run',
          items: [
            page('Commands', '/command-line'),
            page('Running on Kafka', '/running-on-kafka'),
            page('Operations', '/operations'),
            page('Error codes', '/error-codes'),
          ],
        },
        {
          text: 'To know',
          items: [
            page('Guarantees, and their limits', '/guarantees'),
            page('Differences from Kafka Streams', '/differences-from-kafka-streams'),
            page('Benchmarks', '/benchmarks'),
            page('Architecture', '/architecture'),
            page('Developing', '/developing'),
          ],
        },
      ],
    },
  },
})
