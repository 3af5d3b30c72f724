import { readdir, rm, writeFile } from 'node:fs/promises'
// Rollup without a native binary, which npm leaves out where optional packages are.
import { rollup } from '@rollup/wasm-node'
import { dts } from 'rollup-plugin-dts'

/** The declarations as tsc wrote them: one file each for 300 of the library's. */
const LOOSE = 'dist/types'
const ENTRIES = ['index', 'testing', 'http', 'push', 'push-client']

/**
 * Makes the declarations of the package: one file for each entry, and what they share. They are written once,
 * for CommonJS, and the modules' re-export them: a class with private fields that is declared twice is two
 * classes to the compiler, in a program that imports it here and requires it there. (Modules may import
 * declarations of CommonJS under every resolution; the other way round `node16` refuses.)
 */
const bundle = await rollup({
  input: Object.fromEntries(ENTRIES.map(name => [name, `${LOOSE}/${name}.d.ts`])),
  external: id => !id.startsWith('.') && !id.startsWith('/'),
  plugins: [dts()],
  onwarn: ({ code, message }) => {
    if (code !== 'EMPTY_BUNDLE') throw new Error(`bundling declarations: ${message}`)
  },
})
const { output } = await bundle.write({
  dir: 'dist',
  entryFileNames: '[name].d.cts',
  chunkFileNames: 'chunks/[name]-[hash].d.cts',
})
await bundle.close()
await rm(LOOSE, { recursive: true })
for (const name of ENTRIES) await writeFile(`dist/${name}.d.ts`, `export * from './${name}.cjs'\n`)

const written = new Set(output.map(({ fileName }) => fileName))
// Chunks of earlier builds; after the new ones are there, for whoever reads them meanwhile.
for (const name of await readdir('dist/chunks'))
  if (/\.d\.c?ts$/.test(name) && !written.has(`chunks/${name}`)) await rm(`dist/chunks/${name}`)

// CommonJS: Node requires modules since 20.19, so that both kinds of programs have the same classes. The
// names are for whoever imports the file nevertheless, as some loaders of TypeScript do: Node finds them by
// reading, not by running.
for (const name of ENTRIES) {
  const names = Object.keys(await import(`./dist/${name}.js`)).join(', ')
  await writeFile(
    `dist/${name}.cjs`,
    `module.exports = require('./${name}.js')\n0 && (module.exports = { ${names} })\n`,
  )
}
