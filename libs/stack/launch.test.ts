import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHome } from './home.ts'
import { launch, logFile } from './launch.ts'
import type { Part } from './part.ts'
import type { Seat } from './run-file.ts'
import { processesIn } from './stack.fixtures.ts'
import { StackError } from './stack-error.ts'

let folder: string
let seat: Seat
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-launch-'))
  seat = { name: 'part', home: await openHome(folder), stopSignal: 'SIGTERM', stopSeconds: 5 }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Runs a shell script as a part that is ready when it has written the file `ready`. */
function shell(
  script: string,
  options: { readySeconds?: number; seat?: Partial<Seat>; environment?: Record<string, string> } = {},
): Promise<Part> {
  const { seat: change, ...rest } = options
  const isReady = async () => (await stat(join(folder, 'ready'))).isFile()
  return launch({ ...seat, ...change }, { command: '/bin/sh', args: ['-c', script], isReady, ...rest })
}

async function log(): Promise<string> {
  return readFile(logFile(seat.home, 'part'), 'utf8')
}

describe('launch', () => {
  it('waits until the part is ready, keeps its output, and stops it', async () => {
    const part = await shell('echo out; echo err >&2; touch ready; exec sleep 600')
    expect(part.pid).toBeGreaterThan(0)
    expect(JSON.parse(await readFile(join(folder, 'run', 'part.pid'), 'utf8'))).toMatchObject({
      pid: part.pid,
      parent: { pid: process.pid },
    })
    await part.stop()
    expect(await part.exited).toBeNull()
    expect(await log()).toBe('out\nerr\n')
    await expect(stat(join(folder, 'run', 'part.pid'))).rejects.toThrow('ENOENT')
  })

  it('tells the code of a part that ends by itself', async () => {
    const part = await shell('touch ready; until [ -e go ]; do sleep 0.02; done; exit 7')
    await writeFile(join(folder, 'go'), '')
    expect(await part.exited).toBe(7)
    await part.stop()
  })

  it('fails at once when the program ends early, with the end of its log', async () => {
    const error = await shell('echo "old"; echo "cannot find my data" >&2; exit 3').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'start-failed', what: 'part ended with code 3 while starting' })
    expect(String(error)).toContain('cannot find my data')
  })

  it('quotes this start only, not the ones before', async () => {
    await shell('echo "first failure"; exit 1').catch(() => undefined)
    const error = await shell('echo "second failure"; exit 1').catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('second failure')
    expect(String(error)).not.toContain('first failure')
    expect(await log()).toBe('first failure\nsecond failure\n')
  })

  it('knows the message of every server whose port was taken', async () => {
    for (const message of ['bind: Address already in use', 'listen tcp 127.0.0.1:1: bind: address already in use']) {
      const error = await shell(`echo "${message}"; exit 1`).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'port-in-use' })
    }
  })

  it('leaves nothing running when a part does not get ready in time', async () => {
    const error = await shell('echo $$ > pid; exec sleep 600', { readySeconds: 0.3 }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'start-failed', what: 'part does not answer after 0.3 s' })
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('leaves nothing running when it cannot write down which process it is', async () => {
    await rm(seat.home.run, { recursive: true })
    await expect(shell('exec sleep 600')).rejects.toMatchObject({ code: 'not-permitted', what: expect.stringContaining('part.pid') })
    expect(await processesIn(folder)).toEqual([])
  })

  it('names the log that cannot be written, and starts nothing', async () => {
    await rm(seat.home.logs, { recursive: true })
    await expect(shell('touch ready; exec sleep 600')).rejects.toMatchObject({ what: expect.stringContaining('part.log') })
    await expect(stat(join(folder, 'ready'))).rejects.toThrow('ENOENT')
  })

  it('passes on an error that says what to do, and ends the part', async () => {
    const told = new StackError('damaged', { what: 'the data are damaged', fix: 'remove them' })
    const isReady = () => Promise.reject(told)
    await expect(launch(seat, { command: '/bin/sh', args: ['-c', 'exec sleep 600'], isReady })).rejects.toBe(told)
    await expect(stat(join(folder, 'run', 'part.pid'))).rejects.toThrow('ENOENT')
  })

  it('insists when a part does not hear its signal', async () => {
    const part = await shell("trap '' TERM; touch ready; while :; do sleep 0.1; done", { seat: { stopSeconds: 0.2 } })
    await part.stop()
    expect(await part.exited).toBeNull()
  })

  it('lets a part end in its own time', async () => {
    const part = await shell("trap 'echo orderly; exit 0' TERM; touch ready; while :; do sleep 0.05; done")
    await part.stop()
    expect(await part.exited).toBe(0)
    expect(await log()).toBe('orderly\n')
  })

  it('may be stopped twice, also at once', async () => {
    const part = await shell('touch ready; exec sleep 600')
    await Promise.all([part.stop(), part.stop()])
    await part.stop()
  })

  it('is disposed of by await using', async () => {
    let pid: number
    {
      await using part = await shell('touch ready; exec sleep 600')
      pid = part.pid
    }
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('gives a part a process group and a small environment of its own', async () => {
    const part = await shell('env > environment; ps -o pgid= -p $$ > group || echo $$ > group; touch ready; exec sleep 600', {
      environment: { ADDED: 'yes' },
    })
    const names = (await readFile(join(folder, 'environment'), 'utf8')).split('\n').map((line) => line.split('=')[0])
    expect(names).toContain('ADDED')
    expect(names.filter((name) => name && !['ADDED', 'HOME', 'LC_ALL', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name))).toEqual([])
    expect(Number(await readFile(join(folder, 'group'), 'utf8'))).toBe(part.pid)
    await part.stop()
  })

  it('says which program cannot be run', async () => {
    const program = join(folder, 'program')
    await writeFile(program, 'no program')
    await chmod(program, 0o755)
    const isReady = async () => false
    await expect(launch(seat, { command: join(folder, 'absent'), args: [], isReady })).rejects.toMatchObject({ code: 'start-failed' })
    await expect(launch(seat, { command: program, args: [], isReady })).rejects.toMatchObject({ code: 'start-failed' })
  })

  it('puts a log away that has grown large', async () => {
    await writeFile(logFile(seat.home, 'part'), Buffer.alloc(10 * 1024 * 1024 + 1, 'x'))
    const part = await shell('echo new; touch ready; exec sleep 600')
    await part.stop()
    expect(await log()).toBe('new\n')
    expect((await stat(`${logFile(seat.home, 'part')}.1`)).size).toBe(10 * 1024 * 1024 + 1)
  })
})
