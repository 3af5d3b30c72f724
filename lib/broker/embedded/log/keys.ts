/** The keys of a durable broker's database. Numbers are padded, so that the order of the keys is theirs. */
export const keys = {
  topic: (topic: string) => `topic/${topic}`,
  log: (logId: string) => `log/${logId}`,
  chunk: (logId: string, baseOffset: number) => `chunk/${logId}/${padded(baseOffset)}`,
  chunkInfo: (logId: string, baseOffset: number) => `info/${logId}/${padded(baseOffset)}`,
  aborted: (logId: string, fromOffset: number) => `aborted/${logId}/${padded(fromOffset)}`,
  transaction: (transactionalId: string) => `transaction/${transactionalId}`,
  offset: (groupId: string, topic: string, partition: number) =>
    `offset/${JSON.stringify([groupId, topic, partition])}`,
}

/** The id of a topic, not its name: a topic that is created again shares nothing with the one before. */
export function logId(topicId: number, partition: number): string {
  return `${padded(topicId)}-${padded(partition)}`
}

/** All keys that start with it. */
export function prefixRange(prefix: string): { readonly gte: string; readonly lt: string } {
  return {
    gte: prefix,
    lt: `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`,
  }
}

function padded(value: number): string {
  return String(value).padStart(16, '0')
}
