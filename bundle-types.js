import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'

/** The declarations as tsc wrote them: one file each for 300 of the library's. */
const LOOSE = 'dist/types'
const ENTRIES = ['index', 'testing', 'http']

/**
 * Makes the declarations of the package: one file for each entry, and what they share. Twice, since a program of CommonJS must not take the declarations of
 * modules for its own (`.d.cts`); the code is there once.
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
  entryFileNames: '[name].d.ts',
  chunkFileNames: 'chunks/[name]-[hash].d.ts',
})
await bundle.close()
await rm(LOOSE, { recursive: true })

const relative = /(from '\.{1,2}\/[^']+?)(?:\.d)?(?:\.ts|\.js)?'/g
const written = new Set()
for (const { fileName } of output) {
  const text = await readFile(`dist/${fileName}`, 'utf8')
  const commonName = fileName.replace(/\.d\.ts$/, '.d.cts')
  await writeFile(`dist/${fileName}`, text.replace(relative, "$1.js'"))
  await writeFile(`dist/${commonName}`, text.replace(relative, "$1.cjs'"))
  written.add(fileName).add(commonName)
}
// Chunks of earlier builds; after the new ones are there, for whoever reads them meanwhile.
for (const name of await readdir('dist/chunks'))
  if (/\.d\.c?ts$/.test(name) && !written.has(`chunks/${name}`)) await rm(`dist/chunks/${name}`)

// CommonJS: Node requires modules since 20.19, so that both kinds of programs have the same classes. The names are for whoever imports the file nevertheless,
// as some loaders of TypeScript do: Node finds them by reading, not by running.
for (const name of ENTRIES) {
  const names = Object.keys(await import(`./dist/${name}.js`)).join(', ')
  await writeFile(
    `dist/${name}.cjs`,
    `module.exports = require('./${name}.js')\n0 && (module.exports = { ${names} })\n`,
  )
}
