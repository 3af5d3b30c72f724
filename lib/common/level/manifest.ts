import type { Buffer } from 'node:buffer'
import { LevelBytes } from './level-bytes.ts'
import { DamageFound } from './damage-found.ts'
import { logRecords } from './log-records.ts'

/** The parts of a database, as its manifest names them. */
export interface Manifest {
  /** Number of the first log that is still needed; 0 in a database that was just being made. */
  readonly logNumber: number
  /** Number of the last batch when the manifest was written; there may be later ones. */
  readonly lastSequence: number
  /** Bytes of each table, by its number. */
  readonly tables: ReadonlyMap<number, number>
}

/** Reads the version edits (`db/version_edit.cc`), each a record of tagged fields. */
export function readManifest(bytes: Buffer, file: string): Manifest {
  const found: Found = {
    logNumber: undefined,
    nextFile: undefined,
    lastSequence: undefined,
    tables: new Map<number, number>(),
  }
  for (const edit of logRecords(bytes, file)) readEdit(new LevelBytes(edit, file), found, file)
  const { logNumber, nextFile, lastSequence, tables } = found
  if (logNumber === undefined || nextFile === undefined || lastSequence === undefined)
    throw new DamageFound(`${file} is not complete`)
  return { logNumber, lastSequence, tables }
}

interface Found {
  logNumber: number | undefined
  nextFile: number | undefined
  lastSequence: number | undefined
  readonly tables: Map<number, number>
}

function readEdit(edit: LevelBytes, found: Found, file: string): void {
  const skipText = () => edit.skip(edit.varint())
  while (!edit.isAtEnd) {
    const tag = edit.varint()
    switch (tag) {
      case 1: // comparator
        skipText()
        break
      case 2:
        found.logNumber = edit.varint()
        break
      case 3:
        found.nextFile = edit.varint()
        break
      case 9: // previous log
        edit.varint()
        break
      case 4:
        found.lastSequence = edit.varint()
        break
      case 5: // where compaction goes on
        edit.varint()
        skipText()
        break
      case 6:
        edit.varint()
        found.tables.delete(edit.varint())
        break
      case 7: {
        edit.varint()
        const number = edit.varint()
        found.tables.set(number, edit.varint())
        skipText()
        skipText()
        break
      }
      default:
        throw new DamageFound(`${file} has an unknown field ${tag}`)
    }
  }
}
