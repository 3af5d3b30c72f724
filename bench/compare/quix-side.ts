import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Side } from './application.ts'
import { MissingError } from './missing-error.ts'

const PROGRAM = fileURLToPath(new URL('../quix/application.py', import.meta.url))

/** Quix Streams, on the Python that `PYTHON` names, by default `python3`. */
export async function quixSide(): Promise<Side> {
  const python = process.env['PYTHON'] ?? 'python3'
  await promisify(execFile)(python, ['-W', 'ignore', '-c', 'import quixstreams']).catch(() => {
    throw new MissingError(
      `${python} has no Quix Streams: python3 -m venv venv && venv/bin/pip install quixstreams, then set PYTHON=venv/bin/python`,
    )
  })
  return {
    name: 'quix',
    title: 'Quix Streams',
    names: ['pass-through', 'json-map', 'count', 'windowed-count'],
    command: spec => {
      const pairs = Object.entries(spec).map(([name, value]) => `${name}=${value}`)
      return { program: python, args: ['-W', 'ignore', PROGRAM, ...pairs] }
    },
  }
}
