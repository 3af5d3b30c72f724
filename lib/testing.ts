export type { DriverSchedules } from './testing/driver-schedules.ts'
export type { DriverControl } from './testing/driver-control.ts'
export type { TestReplayOptions } from './testing/driver-letters.ts'
export { ManualClock } from './testing/manual-clock.ts'
export {
  TestInputTopic,
  TestOutputTopic,
  type PipeOptions,
  type TestRecord,
  type TestTopicSerdes,
} from './testing/test-topics.ts'
export type { TopologyTestDriverOptions } from './testing/driver-options.ts'
export { TopologyTestDriver } from './testing/topology-test-driver.ts'
