import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { needs } from '../../support/needs.ts'
import { Proxy } from './proxy.ts'
import { recoveryText } from './recovery.ts'
import { runScenario } from './scenario.ts'
import { allScenarios } from './scenarios/all-scenarios.ts'
import { borrowCluster, type BorrowedCluster } from './shared-cluster.ts'
import { Witness } from './witness.ts'

const { suite } = await needs('native client', 'cluster')

const quick = allScenarios.filter(scenario => scenario.quick)

await suite('an application on a cluster of three', () => {
  let cluster: BorrowedCluster
  let proxy: Proxy
  let witness: Witness

  beforeAll(async () => {
    cluster = await borrowCluster(inject('clusterLender'))
    proxy = await Proxy.open(cluster.addresses)
    witness = await Witness.start(cluster.addresses.brokers)
  })
  afterAll(async () => {
    await witness?.end()
    await proxy?.close()
    cluster?.giveBack()
  })

  it.each(quick)('$name: $about', async scenario => {
    const said: string[] = []
    const say = (line: string) => said.push(line)
    const outcome = await runScenario({ cluster, witness, proxy, say, patience: 5 }, scenario)
    for (const each of outcome.recoveries)
      process.stderr.write(`cluster: ${scenario.name}: ${recoveryText(each)}\n`)
    expect(outcome.trouble, said.join('\n')).toBeUndefined()
  })
})
