import { CronExpressionParser } from 'cron-parser'

/** Whether two runs have passed since this moment: one may be late, two are missed. `schedule` is in UTC, times are milliseconds. */
export function isOverdue({ schedule, last, now }: { schedule: string; last: number; now: number }): boolean {
  const runs = CronExpressionParser.parse(schedule, { currentDate: new Date(last), tz: 'UTC' })
  runs.next()
  return runs.next().getTime() < now
}
