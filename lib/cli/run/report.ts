import type { ChildProcess } from 'node:child_process'
import type { Job } from './job.ts'

/** What a run tells whoever has started it: once that it has loaded, then how far it is. */
export type Report = LoadedReport | ProgressReport | { readonly kind: 'listening' }

export interface LoadedReport {
  readonly kind: 'loaded'
  readonly applicationId: string
  readonly title: string
  readonly description: string
  readonly problem: readonly string[]
  readonly hasService: boolean
  readonly stateDir: string
  readonly brokers: string
}

export interface ProgressReport {
  readonly kind: 'progress'
  readonly applicationId: string
  readonly state: string
  /** Where its service is, when that is up. */
  readonly url?: string | undefined
}

export function reportLoaded({ config, file, options }: Job): void {
  report(options.supervised, {
    kind: 'loaded',
    applicationId: config.applicationId,
    title: file.about?.title ?? config.applicationId,
    description: file.about?.description ?? '',
    problem: file.about?.problem ?? [],
    hasService: file.service !== undefined,
    stateDir: config.stateDir,
    brokers: options.brokers,
  })
}

export function reportProgress(
  { options, config }: Job,
  progress: Omit<ProgressReport, 'kind' | 'applicationId'>,
): void {
  report(options.supervised, { kind: 'progress', applicationId: config.applicationId, ...progress })
}

/** The console's requests can come. */
export function reportListening({ supervised }: Pick<Job['options'], 'supervised'>): void {
  report(supervised, { kind: 'listening' })
}

/** A supervisor that is gone needs no reports. */
function report(supervised: boolean | undefined, message: Report): void {
  if (supervised && process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

export function onReport(child: ChildProcess, listener: (report: Report) => void): void {
  child.on('message', message => listener(message as Report))
}
