import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { suite } = await needs('native client', 'JVM')

await suite('npm run kafka', () => {
  it('starts a node, prints its address, answers there, and ends on Ctrl-C', async () => {
    const trial = spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'test/kafka/trial.ts')], {
      cwd: ROOT,
    })
    onTestFinished(() => void trial.kill('SIGKILL'))
    let printed = ''
    trial.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
    const address = await eventually(() => /listens on (\S+)\./.exec(printed)?.[1])
    const broker = await openBroker(address, { logger: silentLogger })
    const admin = await broker.admin()
    await admin.createTopics([{ topic: 'trial', partitionCount: 1 }])
    expect(await admin.listTopics()).toContain('trial')
    await admin.close()
    await broker.close()
    trial.kill('SIGINT')
    expect(await once(trial, 'exit')).toEqual([0, null])
  })
})
