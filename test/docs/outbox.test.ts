import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { ROOT } from '../cli/built-cli.ts'
import { needs } from '../support/needs.ts'
import { postgresOfSuite } from '../support/postgres.ts'
import { runChild } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** From the request over the outbox and the topic to the table, with a request that comes twice. */
const RUN = `
const admin = await broker.admin()
await admin.createTopics([{ topic: 'orders', partitionCount: 1 }])
const streams = new KafkaStreams(builder.build(), { applicationId: 'docs' }, { broker })
await streams.start()
const headers = { 'idempotency-key': 'o-2', 'content-type': 'application/json' }
const post = (count: number) =>
  app.request('/orders', { method: 'POST', headers, body: JSON.stringify({ item: 'rice', count }) })
for (const count of [3, 3, 4]) console.log((await post(count)).status)
for (;;) {
  const { rows } = await pool.query('select id, item, count from orders order by id')
  if (rows.length === 2) {
    console.log(JSON.stringify(rows))
    break
  }
}
await Promise.all([outbox.close(), streams.close(), answers.close()])
process.exit(0)
`

const { suite } = await needs('PostgreSQL')

await suite('the page of databases and requests', () => {
  const postgres = postgresOfSuite()

  it('has a program that does what the page says', async () => {
    const page = await readFile(join(ROOT, 'docs/outbox.md'), 'utf8')
    const blocks = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code!)
    const folder = await temporaryDirectory()
    const urlOf = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, path)).href)
    const program = [...blocks, RUN]
      .join('\n')
      .replace(/'millrace\/http'/, urlOf('lib/http.ts'))
      .replace(/'millrace'/, urlOf('lib/index.ts'))
      .replace(/'pg'/, urlOf('node_modules/pg/esm/index.mjs'))
      .replace(/'hono'/, urlOf('node_modules/hono/dist/index.js'))
      .replace(/process\.env\['DATABASE_URL'\]/, JSON.stringify(postgres.connectionString))
    const file = join(folder, 'example.mts')
    await writeFile(file, program)
    const lines = (await runChild(file)).split('\n').filter(line => /^(\d|\[\{)/.test(line))
    expect(lines).toEqual([
      '202',
      '202',
      '422',
      '[{"id":"/o-2","item":"rice","count":3},{"id":"o-1","item":"tea","count":2}]',
    ])
  })
})
