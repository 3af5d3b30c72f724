#!/usr/bin/env node
import { runCommandLine } from './command-line.ts'
import { endProcess, tolerateClosedOutput } from './output/end-process.ts'

tolerateClosedOutput()
endProcess(await runCommandLine(process.argv.slice(2)))
