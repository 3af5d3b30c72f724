import { chmod, copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { build } from 'esbuild'

/**
 * Makes the JavaScript of the package; its declarations are tsc's. The library's 300 files become a few:
 * read, resolved and compiled one by one they took a quarter of a second of every start, and twice that
 * behind a module loader, such as that of TypeScript files. There are no source maps: what stacks point at is
 * shipped, with its comments. What the entries share is in chunks of their own, so that a class is the same
 * one by whichever entry it comes.
 */
const entryPoints = {
  index: 'lib/index.ts',
  testing: 'lib/testing.ts',
  http: 'lib/http.ts',
  push: 'lib/push.ts',
  'cli/main': 'lib/cli/main.ts',
  // Named by its path, in a thread of the module loader.
  'cli/topology-hooks': 'lib/cli/load/topology-hooks.ts',
  // A thread, by its path too.
  'store/engine/level-writer-thread': 'lib/store/engine/level-writer-thread.ts',
}

/**
 * Packages of CommonJS. Before it imports one, Node reads all of its files for the names that they export; to
 * require them takes half as long, at every start.
 */
const required = new Set(['@node-rs/crc32', 'commander', 'fzstd', 'level', 'snappyjs'])
const requireThem = {
  name: 'require-them',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind, namespace }) => {
      if (kind === 'entry-point') return undefined
      if (namespace !== 'required' && required.has(path)) return { path, namespace: 'required' }
      // A program has one copy of a package that both it and this one use.
      return { path, external: true }
    })
    onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('${path}')`,
    }))
  },
}

const { metafile } = await build({
  entryPoints,
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  metafile: true,
  logLevel: 'warning',
  plugins: [requireThem],
  banner: {
    js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
  },
})

// For browsers: nothing of Node.js is in it, not even the banner.
await build({ entryPoints: ['lib/push-client.ts'], outdir: 'dist', format: 'esm', target: 'es2022' })

await chmod('dist/cli/main.js', 0o755)
// Chunks of earlier builds; after the new ones are there, for whoever runs the program meanwhile.
for (const name of await readdir('dist/chunks')) {
  if (!/\.d\.c?ts$/.test(name) && !(`dist/chunks/${name}` in metafile.outputs))
    await rm(`dist/chunks/${name}`)
}

/** The console's page, for browsers: what it needs is in it. */
const PAGE = 'lib/console/page'
await mkdir('dist/console/assets', { recursive: true })
await build({
  entryPoints: {
    page: `${PAGE}/main.tsx`,
    theme: `${PAGE}/core/theme.ts`,
    style: `${PAGE}/style/page.css`,
  },
  outdir: 'dist/console/assets',
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome111', 'firefox115', 'safari16.4'],
  legalComments: 'linked',
  tsconfig: `${PAGE}/tsconfig.json`,
  logLevel: 'warning',
})
await copyFile(`${PAGE}/index.html`, 'dist/console/index.html')
await copyFile(`${PAGE}/icon.svg`, 'dist/console/assets/icon.svg')
