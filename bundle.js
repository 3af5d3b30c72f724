import { chmod, readdir, rm } from 'node:fs/promises'
import { rolldown } from 'rolldown'

/**
 * Makes the JavaScript of the package; its declarations are tsc's. The library's 300 files become a few: read, resolved and compiled one by one
 * they took a quarter of a second of every start, and twice that behind a module loader, such as that of TypeScript files. What
 * the entries share is in chunks of their own, so that a class is the same one by whichever entry it comes.
 */
const input = {
  index: 'lib/index.ts',
  testing: 'lib/testing.ts',
  'cli/main': 'lib/cli/main.ts',
  // Named by its path, in a thread of the module loader.
  'cli/topology-hooks': 'lib/cli/topology-hooks.ts',
}

/**
 * Packages of CommonJS. Before it imports one, Node reads all of its files for the names that they export; to require them takes half as
 * long, at every start.
 */
const required = new Set(['@node-rs/crc32', 'commander', 'fzstd', 'level', 'snappyjs'])
const requireThem = {
  name: 'require-them',
  resolveId: (id, importer) => (isRequired(id, importer) ? `\0${id}` : undefined),
  load: id =>
    id.startsWith('\0') && required.has(id.slice(1))
      ? `module.exports = require('${id.slice(1)}')`
      : undefined,
}
const isRequired = (id, importer) => required.has(id) && !importer?.startsWith('\0')

const bundle = await rolldown({
  input,
  platform: 'node',
  plugins: [requireThem],
  // A program has one copy of a package that both it and this one use.
  external: (id, importer) => /^[^./\0]/.test(id) && !isRequired(id, importer) && importer !== undefined,
  transform: { target: 'node20.19' },
  tsconfig: false,
})
const { output } = await bundle.write({
  dir: 'dist',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  sourcemap: true,
})
await bundle.close()

await chmod('dist/cli/main.js', 0o755)
// Chunks of earlier builds; after the new ones are there, for whoever runs the program meanwhile.
const current = new Set(output.map(({ fileName }) => fileName))
for (const name of await readdir('dist/chunks')) {
  if (!current.has(`chunks/${name}`)) await rm(`dist/chunks/${name}`)
}
