import { BrokerError } from '../../broker-error.ts'
import type { TopicPartitionOffset } from '../../broker.ts'
import type { ControlClient } from './control-client.ts'
import { EARLIEST, LATEST } from './control-client.ts'

/** Finds partitions whose position is out of range, or that do not exist: the native client does not tell. */
export class RangeCheck {
  readonly #control: ControlClient

  constructor(control: ControlClient) {
    this.#control = control
  }

  /** For each position an error, or undefined where it is in range. */
  async check(positions: readonly TopicPartitionOffset[]): Promise<readonly (BrokerError | undefined)[]> {
    const firsts = await this.#control.listOffsets(positions, EARLIEST, 'read_uncommitted')
    const ends = await this.#control.listOffsets(positions, LATEST, 'read_uncommitted')
    return positions.map(position => {
      const isOf = (answer: TopicPartitionOffset) =>
        answer.topic === position.topic && answer.partition === position.partition
      const [first, end] = [firsts.find(isOf), ends.find(isOf)]
      const error = first?.error ?? end?.error
      // Without a leader the range is unknown; an unknown partition is an error.
      if (error) return error.class === 'retriable' ? undefined : error
      if (!first || !end || (position.offset >= first.offset && position.offset <= end.offset))
        return undefined
      return outOfRange(position, first.offset, end.offset)
    })
  }
}

function outOfRange(
  { topic, partition, offset }: TopicPartitionOffset,
  first: number,
  end: number,
): BrokerError {
  const message = `${topic}-${partition} has the offsets ${first} to ${end}; ${offset} is not among them`
  return new BrokerError('OFFSET_OUT_OF_RANGE', 'fatal', message, { partitions: [{ topic, partition }] })
}
