import type { RecordQueue } from './record-queue.ts'

/**
 * The non-empty queues of a task by the timestamp of their heads. Ties fall as in `java.util.PriorityQueue`,
 * on which Kafka Streams' order of equal timestamps rests: insertion sifts up while strictly smaller than the
 * parent; removal moves the last element to the root and sifts it down, to the left child unless the right
 * one is strictly smaller.
 */
export class QueueHeap {
  readonly #items: RecordQueue[] = []

  get size(): number {
    return this.#items.length
  }

  push(queue: RecordQueue): void {
    const items = this.#items
    let at = items.length
    items.push(queue)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (queue.headTimestampMs >= items[parent]!.headTimestampMs) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = queue
  }

  /** Removes and returns the queue with the earliest head. Only called while `size` > 0. */
  pop(): RecordQueue {
    const items = this.#items
    const root = items[0]!
    const last = items.pop()!
    if (items.length > 0) this.#siftDown(last)
    return root
  }

  clear(): void {
    this.#items.length = 0
  }

  #siftDown(queue: RecordQueue): void {
    const items = this.#items
    const half = items.length >> 1
    let at = 0
    while (at < half) {
      let child = 2 * at + 1
      const right = child + 1
      if (right < items.length && items[right]!.headTimestampMs < items[child]!.headTimestampMs) child = right
      if (queue.headTimestampMs <= items[child]!.headTimestampMs) break
      items[at] = items[child]!
      at = child
    }
    items[at] = queue
  }
}
