import { execFileSync, spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { missingPrograms } from './binaries.ts'
import { configurationText as clamdConfiguration } from './clamd.ts'
import { clamdLimits } from './clamd-limits.ts'
import { databaseAge, findRealDatabase, isRealDatabase } from './clamd-signatures.ts'
import { keptSecret, openHome, writeFault, writePrivately } from './home.ts'
import { freePorts, removeHome, StackError } from './index.ts'
import { aptScript } from './install.ts'
import { portOwner } from './port-owner.ts'
import { choosePort, onPort, reclaimPort } from './ports.ts'
import { isRunning, processState } from './process-identity.ts'
import { findProgram } from './programs.ts'
import { configurationText as redisConfiguration } from './redis.ts'
import { claimed, type Seat, writeRunFile } from './run-file.ts'
import { eventually } from './wait.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-unit-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function seatOf(name = 'part'): Promise<Seat> {
  return { name, home: await openHome(folder), stopSignal: 'SIGTERM', stopSeconds: 5 }
}

describe('openHome', () => {
  it('makes its folders, the one of secrets for this user only', async () => {
    const home = await openHome(join(folder, 'a', 'b'))
    expect((await stat(home.secrets)).mode & 0o777).toBe(0o700)
    expect((await stat(home.logs)).isDirectory()).toBe(true)
  })

  it('says that the disk is full, how full, and what to do', async () => {
    const error = await openHome(folder, { minFreeBytes: Number.MAX_SAFE_INTEGER }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'disk-full', what: expect.stringMatching(/has \d+ MiB left, \d+ MiB are needed/) })
  })

  it('names the path that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '')
    const error = await openHome(join(folder, 'file')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'not-permitted', what: expect.stringContaining(join(folder, 'file')) })
  })
})

describe('keptSecret', () => {
  it('makes a secret once, for this user only', async () => {
    const home = await openHome(folder)
    const made = await keptSecret(home, 'one')
    expect(await keptSecret(home, 'one')).toBe(made)
    expect(await keptSecret(home, 'two')).not.toBe(made)
    expect((await stat(join(home.secrets, 'one'))).mode & 0o777).toBe(0o600)
  })

  it('replaces an empty file of an interrupted start', async () => {
    const home = await openHome(folder)
    await writeFile(join(home.secrets, 'one'), '')
    expect(await keptSecret(home, 'one')).toMatch(/^[\w-]{32}$/)
  })
})

describe('writePrivately', () => {
  it('leaves no draft behind when it fails, and the old content as it was', async () => {
    const target = join(folder, 'target')
    await mkdir(target)
    await writeFile(join(target, 'inside'), 'as it was')
    await expect(writePrivately(target, 'new')).rejects.toMatchObject({ code: 'not-permitted', what: expect.stringContaining(target) })
    expect(await readdir(folder)).toEqual(['target'])
    expect(await readFile(join(target, 'inside'), 'utf8')).toBe('as it was')
  })

  it('closes a file that others could read before', async () => {
    const file = join(folder, 'secret')
    await writeFile(file, 'old', { mode: 0o644 })
    await writePrivately(file, 'new')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})

describe('writeFault', () => {
  it.each([
    ['ENOSPC', 'disk-full', 'free some disk space'],
    ['EDQUOT', 'disk-full', 'free some disk space'],
    ['EACCES', 'not-permitted', 'choose another home with --home'],
    ['EROFS', 'not-permitted', 'choose another home with --home'],
  ])('tells of %s as %s, with the path', (code, kind, fix) => {
    const fault = writeFault('/home/of/stack', Object.assign(new Error('no'), { code }))
    expect(fault).toMatchObject({ code: kind, what: expect.stringMatching(`/home/of/stack.*${code}`), fix: expect.stringContaining(fix) })
  })
})

describe('removeHome', () => {
  it('takes the data along of a home that is a link', async () => {
    const [data, link] = [join(folder, 'data'), join(folder, 'link')]
    await mkdir(join(data, 'redis'), { recursive: true })
    await symlink(data, link)
    await removeHome(link)
    expect(await readdir(folder)).toEqual([])
  })

  it('follows no link to a folder that is not its own', async () => {
    const [home, elsewhere] = [join(folder, 'home'), join(folder, 'elsewhere')]
    await mkdir(home)
    await mkdir(elsewhere)
    await writeFile(join(elsewhere, 'precious'), '')
    for (const name of ['postgres', 'redis']) await symlink(elsewhere, join(home, name))
    await removeHome(home)
    expect(await readdir(folder)).toEqual(['elsewhere'])
    expect(await readdir(elsewhere)).toEqual(['precious'])
  })

  it('is content when there is none', async () => {
    await removeHome(join(folder, 'none'))
  })
})

describe('ports', () => {
  it('gives none twice, be it bound by then or not', async () => {
    const ports: number[] = []
    for (let count = 0; count < 400; count++) ports.push(...(await freePorts(1)))
    expect(new Set(ports).size).toBe(400)
  })

  it('gives a port of an earlier start back to who had it, and to nobody else', async () => {
    const [port = 0] = await freePorts(1, '/home/one')
    expect(await reclaimPort(port, '/home/two')).toBe(false)
    expect(await reclaimPort(port, '/home/one')).toBe(true)
    const server = createServer()
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
    expect(await reclaimPort(port, '/home/one')).toBe(false)
    await new Promise((done) => server.close(done))
  })

  it('finds distinct free ports', async () => {
    const ports = await freePorts(20)
    expect(Math.max(...ports)).toBeLessThan(32_768)
    expect(new Set(ports).size).toBe(20)
    for (const port of ports) expect(await choosePort('part', port)).toBe(port)
  })

  it('names a port in use, its holder and the fix', async () => {
    const server = createServer()
    const port = await new Promise<number>((done) => {
      server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port))
    })
    const error = await choosePort('redis', port).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StackError)
    expect(error).toMatchObject({ code: 'port-in-use', fix: `stop it with \`kill ${process.pid}\`, or choose another port` })
    expect(await portOwner(port)).toMatchObject({ pid: process.pid })
    await new Promise((done) => server.close(done))
    expect(await portOwner(port)).toBeUndefined()
  })

  it('tries another port when a free one was lost, but not when it was given', async () => {
    const lost = new StackError('port-in-use', { what: 'lost', fix: 'none' })
    const tried: number[] = []
    const start = async (port: number) => {
      tried.push(port)
      if (tried.length < 3) throw lost
      return port
    }
    expect(await onPort('part', undefined, start)).toBe(tried[2])
    const [given] = await freePorts(1)
    await expect(onPort('part', given, () => Promise.reject(lost))).rejects.toBe(lost)
    await expect(onPort('part', undefined, () => Promise.reject(lost))).rejects.toBe(lost)
  })
})

describe('processState', () => {
  it('tells a process from a later one with its pid', async () => {
    const self = await processState(process.pid)
    expect(self?.command).toContain('node')
    expect(await isRunning({ pid: process.pid, started: self?.started ?? '' })).toBe(true)
    expect(await isRunning({ pid: process.pid, started: 'earlier' })).toBe(false)
  })

  it.runIf(process.platform === 'linux')('is not confused by a name that looks like the end of a field', async () => {
    const program = join(folder, 'x) Z 1 (y')
    await copyFile('/bin/sleep', program)
    await chmod(program, 0o755)
    const child = spawn(program, ['600'], { stdio: 'ignore' })
    await new Promise((done) => child.once('spawn', done))
    const state = await processState(child.pid ?? 0)
    expect(state).toMatchObject({ pid: child.pid, started: expect.stringMatching(/^\d+$/) })
    const exited = new Promise((done) => child.once('exit', done))
    child.kill()
    await exited
  })

  it.runIf(process.platform === 'linux')('counts a process as gone that nobody has reaped', async () => {
    // The shell would reap its child: that may end only when `sleep` has taken its place.
    const script = 'exec 3<&0; { read line <&3; exit; } & echo $!; exec sleep 600 3<&-'
    const parent = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
    const pid = await new Promise<number>((done) => parent.stdout.once('data', (line: Buffer) => done(Number(line))))
    expect(await eventually(async () => (await readFile(`/proc/${parent.pid}/comm`, 'utf8')) === 'sleep\n', 20)).toBe(true)
    parent.stdin.end('\n')
    expect(await eventually(async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') Z '), 20)).toBe(true)
    expect(await processState(pid)).toBeUndefined()
    const exited = new Promise((done) => parent.once('exit', done))
    parent.kill('SIGKILL')
    await exited
  })

  it('knows that a process is gone', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await new Promise((done) => child.once('exit', done))
    expect(await processState(child.pid ?? 0)).toBeUndefined()
  })
})

describe('claimed', () => {
  const idle = ['-e', 'setInterval(() => undefined, 1000)', 'idle-part']

  async function runningChild(): Promise<{ pid: number; exited: Promise<unknown> }> {
    const child = spawn(process.execPath, idle, { stdio: 'ignore' })
    await new Promise((done) => child.once('spawn', done))
    return { pid: child.pid ?? 0, exited: new Promise((done) => child.once('exit', (_, signal) => done(signal))) }
  }

  async function rewrite(seat: Seat, change: object): Promise<void> {
    const file = join(seat.home.run, `${seat.name}.pid`)
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...change }))
  }

  it('ends an orphan, and says so', async () => {
    const told: string[] = []
    const seat = { ...(await seatOf()), log: (message: string) => told.push(message) }
    const child = await runningChild()
    await writeRunFile(seat, { pid: child.pid, program: 'node' })
    await rewrite(seat, { parent: { pid: process.pid, started: 'earlier' } })
    expect(await claimed(seat, async () => 'started')).toBe('started')
    expect(await child.exited).toBe('SIGTERM')
    expect(told).toEqual([`part: ends process ${child.pid} that a killed stack left behind`])
  })

  it('leaves a process alone that got the pid of a part since', async () => {
    const seat = await seatOf()
    const child = await runningChild()
    await writeRunFile(seat, { pid: child.pid, program: 'node' })
    for (const change of [{ started: 'earlier' }, { program: 'postgres' }]) {
      await rewrite(seat, { ...change, parent: { pid: process.pid, started: 'earlier' } })
      await claimed(seat, async () => undefined)
      expect(await processState(child.pid)).toBeDefined()
      await writeRunFile(seat, { pid: child.pid, program: 'node' })
    }
    process.kill(child.pid)
    await child.exited
  })

  it('refuses while the parent lives', async () => {
    const seat = await seatOf()
    const child = await runningChild()
    await writeRunFile(seat, { pid: child.pid, program: 'node' })
    const error = await claimed(seat, async () => undefined).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'already-running', what: expect.stringContaining(`process ${child.pid}`) })
    process.kill(child.pid)
    await child.exited
  })

  it('gives the seat back when the start fails', async () => {
    const seat = await seatOf()
    await expect(claimed(seat, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await claimed(seat, async () => 1)).toBe(1)
  })

  it('lets one of two at once begin, and the other after it has ended', async () => {
    const seat = await seatOf()
    const begun = Promise.withResolvers<void>()
    const end = Promise.withResolvers<string>()
    const first = claimed(seat, () => (begun.resolve(), end.promise))
    await begun.promise
    const refused = await claimed(seat, async () => 'second').catch((thrown: unknown) => thrown)
    expect(refused).toMatchObject({ code: 'already-running', fix: expect.stringContaining('slipway down') })
    end.reject(new Error('first failed'))
    await expect(first).rejects.toThrow('first failed')
    expect(await claimed(seat, async () => 'third')).toBe('third')
  })

  it('is not held by a stack that was killed before it knew its process', async () => {
    const seat = await seatOf()
    const dead = { pid: process.pid, started: 'earlier' }
    await writeFile(join(seat.home.run, 'part.pid'), JSON.stringify({ ...dead, program: '', parent: dead }))
    expect(await claimed(seat, async () => 1)).toBe(1)
  })

  it('kills an orphan that does not want to go', async () => {
    const seat = { ...(await seatOf()), stopSeconds: 0.1 }
    const script = "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000); process.stdout.write('up')"
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
    await new Promise((done) => child.stdout.once('data', done))
    const exited = new Promise((done) => child.once('exit', (_, signal) => done(signal)))
    await writeRunFile(seat, { pid: child.pid ?? 0, program: 'node' })
    await rewrite(seat, { parent: { pid: process.pid, started: 'earlier' } })
    await claimed(seat, async () => undefined)
    expect(await exited).toBe('SIGKILL')
  })

  it('is not confused by a damaged file', async () => {
    const seat = await seatOf()
    for (const text of ['', '{', 'null', '[]', '{"pid":"x"}', '123']) {
      await writeFile(join(seat.home.run, 'part.pid'), text)
      expect(await claimed(seat, async () => 1)).toBe(1)
    }
  })
})

describe('findProgram', () => {
  it('takes the first name that is executable anywhere on the path', async () => {
    await mkdir(join(folder, 'one'))
    await mkdir(join(folder, 'two'))
    await writeFile(join(folder, 'one', 'redis-server'), '')
    await writeFile(join(folder, 'two', 'valkey-server'), '')
    await chmod(join(folder, 'two', 'valkey-server'), 0o755)
    const path = `${join(folder, 'one')}:${join(folder, 'two')}`
    expect(await findProgram(['redis-server', 'valkey-server'], path)).toBe(join(folder, 'two', 'valkey-server'))
    expect(await findProgram(['nothing'], path)).toBeUndefined()
  })
})

describe('missingPrograms', () => {
  it('says exactly what to install', () => {
    const error = missingPrograms(['redis', 'clamd', 'freshclam'])
    expect(error.what).toBe('redis-server or valkey-server, clamd, freshclam are not installed')
    expect(error.fix).toBe(
      'install with `sudo apt-get install redis-server clamav-daemon clamav-freshclam` (Debian, Ubuntu) or `brew install redis clamav` (macOS)',
    )
    expect(missingPrograms(['clamd'], new Error('no network')).what).toBe(
      'clamd is not installed and cannot be installed from here (no network)',
    )
  })
})

describe('aptScript', () => {
  /** Runs the script with programs that write down how they were called. */
  async function runScript(aptGet: string): Promise<{ calls: string[]; policy: string }> {
    const bin = join(folder, 'bin')
    const policy = join(folder, 'policy-rc.d')
    await mkdir(bin)
    const log = `echo "$(basename "$0") $*" >> ${join(folder, 'calls')}\n`
    await writeFile(join(bin, 'apt-get'), `#!/bin/sh\n${log}cat ${policy} >> ${join(folder, 'policy-seen')}\n${aptGet}`, { mode: 0o755 })
    await writeFile(join(bin, 'systemctl'), `#!/bin/sh\n${log}exit 1\n`, { mode: 0o755 })
    execFileSync('sh', ['-c', aptScript(['one', 'two'], policy)], { env: { PATH: `${bin}:/usr/bin:/bin` }, stdio: 'pipe' })
    return { calls: (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n'), policy }
  }

  it('installs while services may not start, then disables them and takes its policy away', async () => {
    const { calls, policy } = await runScript('exit 0')
    expect(calls).toEqual([
      'apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends one two',
      'systemctl disable --now one.socket',
      'systemctl disable --now one.service',
      'systemctl disable --now two.socket',
      'systemctl disable --now two.service',
    ])
    expect(await readFile(join(folder, 'policy-seen'), 'utf8')).toBe('#!/bin/sh\nexit 101\n')
    await expect(stat(policy)).rejects.toThrow('ENOENT')
  })

  it('updates the package lists once when the first try fails', async () => {
    const { calls } = await runScript(
      `case "$*" in *update*) touch ${join(folder, 'updated')};; *) test -e ${join(folder, 'updated')};; esac`,
    )
    expect(calls.slice(0, 3).map((call) => call.split(' ')[3])).toEqual(['install', 'update', 'install'])
  })

  it('fails when nothing helps, and still takes its policy away', async () => {
    await expect(runScript('exit 100')).rejects.toThrow()
    await expect(stat(join(folder, 'policy-rc.d'))).rejects.toThrow('ENOENT')
  })

  it('keeps the policy of somebody else', async () => {
    await writeFile(join(folder, 'policy-rc.d'), 'theirs')
    const { policy } = await runScript('exit 0')
    expect(await readFile(policy, 'utf8')).toBe('theirs')
  })
})

describe('clamdLimits', () => {
  it('derives limits that belong together', () => {
    expect(clamdLimits({ maxFileBytes: 1000 })).toEqual({
      maxFileBytes: 1000,
      streamMaxBytes: 1000,
      maxScanBytes: 1000,
      maxScanMilliseconds: 120_000,
    })
    const large = clamdLimits({})
    expect(large).toMatchObject({ streamMaxBytes: 1024 ** 3, maxFileBytes: 2 ** 31 - 1, maxScanBytes: 2 ** 31 - 1 })
    expect(large.maxScanMilliseconds).toBeGreaterThan(500_000)
  })

  it.each([
    { maxFileBytes: 10, streamMaxBytes: 11 },
    { maxFileBytes: 10, maxScanBytes: 9 },
    { maxFileBytes: 2 ** 31 },
    { maxFileBytes: 10, maxScanBytes: 2 ** 32 },
  ])('refuses %o', (limits) => {
    expect(() => clamdLimits(limits)).toThrow(RangeError)
  })
})

describe('configurations', () => {
  it('make clamd alert on what it cannot look into', () => {
    const text = clamdConfiguration('/tmp', { port: 3310, database: '/db', limits: clamdLimits({ maxFileBytes: 1024 }), readTimeout: 7 })
    for (const line of ['AlertExceedsMax yes', 'AlertEncrypted yes', 'TCPAddr 127.0.0.1', 'StreamMaxLength 1024', 'ReadTimeout 7']) {
      expect(text.split('\n')).toContain(line)
    }
  })

  it('quote the password of Redis', () => {
    const text = redisConfiguration('/data', { port: 1, password: 'a"b\\c', appendOnly: true })
    expect(text.split('\n')).toContain('requirepass "a\\"b\\\\c"')
  })
})

describe('official signatures', () => {
  it('count only when both parts are there', async () => {
    expect(isRealDatabase(folder)).toBe(false)
    await writeFile(join(folder, 'main.cvd'), '')
    expect(isRealDatabase(folder)).toBe(false)
    await writeFile(join(folder, 'daily.cld'), '')
    expect(isRealDatabase(folder)).toBe(true)
    expect(await findRealDatabase(folder)).toBe(folder)
    expect(await databaseAge(folder)).toBeLessThan(3600)
  })

  it('have no age when there are none', async () => {
    expect(await databaseAge(folder)).toBe(Number.POSITIVE_INFINITY)
  })
})
