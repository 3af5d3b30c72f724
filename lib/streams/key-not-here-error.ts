import { StreamsError } from '../common/errors/errors.ts'

/** A key was not found, and belongs to a part of the store that no task of this process has. */
export class KeyNotHereError extends StreamsError {
  readonly storeName: string
  /** Partition of the key. */
  readonly partition: number
  /** Partitions that this process has, ascending. */
  readonly localPartitions: readonly number[]

  constructor(storeName: string, partition: number, localPartitions: readonly number[]) {
    super(
      'KEY_NOT_HERE',
      `the key belongs to partition ${partition} of store "${storeName}", and this process has ` +
        `${localPartitions.length === 1 ? 'partition' : 'partitions'} ${localPartitions.join(', ')}: ask the process of the application that has it`,
    )
    this.storeName = storeName
    this.partition = partition
    this.localPartitions = localPartitions
  }
}
