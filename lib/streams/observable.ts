import type * as RxJS from 'rxjs'
import type { Observable, Subscriber, TeardownLogic } from 'rxjs'
import { latePackage } from '../common/late-package.ts'

const rxjs = latePackage<typeof RxJS>('rxjs')

export function observable<T>(subscribe: (subscriber: Subscriber<T>) => TeardownLogic): Observable<T> {
  return new (rxjs().Observable)(subscribe)
}
