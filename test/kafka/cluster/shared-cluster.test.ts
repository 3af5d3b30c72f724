import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import type { ClusterAddresses } from './cluster.ts'
import { borrowCluster, ClusterLender, type LentCluster } from './shared-cluster.ts'

const addresses: ClusterAddresses = {
  brokers: 'somewhere:1',
  secured: '',
  proxied: [],
  authority: '',
  strangeAuthority: '',
}

describe('the cluster that test files share', () => {
  const done: string[] = []
  const cluster: LentCluster = {
    addresses,
    act: async (action, node) => {
      if (action === 'stop') throw new Error('it does not stop')
      done.push(`${action} ${node}`)
    },
    stop: async () => void done.push('stopped'),
  }
  let lender: ClusterLender
  let url: string

  beforeEach(async () => {
    done.length = 0
    const start = async () => {
      done.push('started')
      return cluster
    }
    ;({ lender, url } = await ClusterLender.open(start))
  })
  afterEach(() => lender.close())

  test('starts when it is first asked for, acts in the process that has it, and stops with the run', async () => {
    const borrowed = await borrowCluster(url)
    expect(borrowed.addresses).toEqual(addresses)
    await borrowed.act('kill', 2)
    await expect(borrowed.act('stop', 3)).rejects.toThrow('it does not stop')
    borrowed.giveBack()
    await lender.close()
    expect(done).toEqual(['started', 'kill 2', 'stopped'])
  })

  test('belongs to one file at a time, in the order in which they ask', async () => {
    const first = await borrowCluster(url)
    const order: string[] = []
    const later = ['second', 'third'].map(async name => {
      const borrowed = await borrowCluster(url)
      order.push(name)
      return borrowed
    })
    // The lender answers this after it has heard of the others: they wait.
    await first.act('freeze', 1)
    expect(order).toEqual([])
    first.giveBack()
    await eventually(() => order.length === 1)
    const next = await later[order[0] === 'second' ? 0 : 1]!
    expect(order.length).toBe(1)
    next.giveBack()
    for (const each of await Promise.all(later)) each.giveBack()
    expect(order.length).toBe(2)
    expect(done.filter(each => each === 'started')).toEqual(['started'])
  })

  test('says why it does not start', async () => {
    const broken = await ClusterLender.open(() => Promise.reject(new Error('no Java')))
    await expect(borrowCluster(broken.url)).rejects.toThrow('no Java')
    await broken.lender.close()
  })
})
