import { afterEach, describe, expect, it, vi } from 'vitest'
import { createLog, type LogSettings } from './index.ts'

function capture(settings: Partial<LogSettings> = {}) {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  return { lines, log: createLog({ name: 'files-api', destination, ...settings }) }
}

afterEach(() => void vi.useRealTimers())

describe('createLog', () => {
  it('writes one JSON object per line with time, level by name, component and message', () => {
    const { lines, log } = capture({ instance: 'pod-1' })
    log.info({ file: 'a' }, 'stored')
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        component: 'files-api',
        instance: 'pod-1',
        file: 'a',
        msg: 'stored',
      },
    ])
  })

  it('tells the time to the millisecond, also where a second, a day or a year ends and where the clock goes back', () => {
    const { lines, log } = capture()
    const times = ['2025-12-31T23:59:59.999Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.007Z', '2025-12-31T23:59:58.060Z']
    for (const time of times) {
      vi.useFakeTimers({ now: new Date(time) })
      log.info('now')
    }
    expect(lines.map((line) => line.time)).toEqual(times)
  })

  it('drops what is below its level', () => {
    const { lines, log } = capture({ level: 'warn' })
    log.info('no')
    log.warn('yes')
    expect(lines.map((line) => line.msg)).toEqual(['yes'])
  })

  it('shows no secret: not in fields, errors, children, nor children of children', () => {
    const { lines, log } = capture()
    const error = Object.assign(new Error('failed'), { password: 'hunter2', request: { headers: { authorization: 'Bearer hunter2' } } })
    log.info({ body: { password: 'hunter2', user: { token: 'hunter2' } } }, 'fields')
    log.error(error, 'as first argument')
    log.error({ err: error, error }, 'as field')
    log.child({ cookie: 'hunter2', job: 'j' }).child({ apiKey: 'hunter2', step: 2 }).info({ secret: 'hunter2' }, 'child')
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    expect(lines[1]).toMatchObject({ err: { message: 'failed', password: '[redacted]' } })
    expect(lines[2]).toMatchObject({ err: { message: 'failed' }, error: { message: 'failed', stack: expect.any(String) as string } })
    expect(lines[3]).toMatchObject({ component: 'files-api', cookie: '[redacted]', job: 'j', apiKey: '[redacted]', step: 2, msg: 'child' })
  })
})
