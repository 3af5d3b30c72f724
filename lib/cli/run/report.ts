import type { ChildProcess } from 'node:child_process'
import type { Job } from './job.ts'

/** What a run under `millrace dev` tells of itself: once that it has loaded, then how far it is. */
export type Report = LoadedReport | ProgressReport

export interface LoadedReport {
  readonly kind: 'loaded'
  readonly applicationId: string
  readonly title: string
  readonly description: string
  readonly hasService: boolean
  readonly stateDir: string
  readonly brokers: string
}

export interface ProgressReport {
  readonly kind: 'progress'
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
    hasService: file.service !== undefined,
    stateDir: config.stateDir,
    brokers: options.brokers,
  })
}

export function reportProgress({ options }: Job, progress: Omit<ProgressReport, 'kind'>): void {
  report(options.supervised, { kind: 'progress', ...progress })
}

/** A supervisor that is gone needs no reports. */
function report(supervised: boolean | undefined, message: Report): void {
  if (supervised && process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

export function onReport(child: ChildProcess, listener: (report: Report) => void): void {
  child.on('message', message => listener(message as Report))
}
