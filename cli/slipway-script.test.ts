import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './folders.fixtures.ts'
import { checkout } from './home.ts'
import { poll } from './supervisor/poll.ts'

interface Result {
  code: number | null
  out: string
  err: string
}

interface Place {
  /** A checkout with the real script, a lockfile, a command that prints its arguments, and no packages. */
  readonly root: string
  /** Programs that come first on PATH. */
  readonly bin: string
  run(args?: readonly string[], options?: RunOptions): Promise<Result>
  installations(): number
}

interface RunOptions {
  cwd?: string
  script?: string
  path?: string
  /** The user to run it as. */
  uid?: number
}

/** What `npm install` does, as far as the script can tell: fills node_modules with Node 24, takes a moment. */
const fakeNpm = (root: string) => `#!/bin/sh
echo run >>'${root}/npm-runs'
rm -rf '${root}/node_modules'
for arch in x64 arm64; do
  mkdir -p "${root}/node_modules/node-linux-$arch/bin"
  ln -s '${process.execPath}' "${root}/node_modules/node-linux-$arch/bin/node"
done
sleep 0.2
`

function place(name = 'a checkout with blanks'): Place {
  const folder = temporaryFolder()
  const root = join(folder, name)
  const bin = join(folder, 'bin')
  mkdirSync(join(root, 'cli'), { recursive: true })
  mkdirSync(bin)
  copyFileSync(join(checkout, 'slipway'), join(root, 'slipway'))
  writeFileSync(join(root, 'package-lock.json'), '{"lockfileVersion":3}')
  writeFileSync(join(root, 'cli', 'main.ts'), 'const args: string[] = process.argv.slice(2)\nconsole.log(JSON.stringify(args))\n')
  program(bin, 'npm', fakeNpm(root))
  program(bin, 'node', '#!/bin/sh\necho v20.11.0\n')
  return {
    root,
    bin,
    run: (args = [], options = {}) => runScript({ root, bin }, args, options),
    installations: () => (existsSync(join(root, 'npm-runs')) ? readFileSync(join(root, 'npm-runs'), 'utf8').trim().split('\n').length : 0),
  }
}

function program(bin: string, name: string, text: string): void {
  writeFileSync(join(bin, name), text)
  chmodSync(join(bin, name), 0o755)
}

/** With `sh`, which is dash on Debian and Ubuntu: nothing that only bash understands may be in it. */
function runScript({ root, bin }: { root: string; bin: string }, args: readonly string[], options: RunOptions): Promise<Result> {
  const { cwd = tmpdir(), script = join(root, 'slipway'), path = `${bin}:/usr/bin:/bin`, uid } = options
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', [script, ...args], { cwd, env: { PATH: path }, ...(uid === undefined ? {} : { uid, gid: uid }) })
    const chunks = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (chunks.out += String(chunk)))
    child.stderr.on('data', (chunk) => (chunks.err += String(chunk)))
    child.once('close', (code) => resolve({ code, ...chunks }))
  })
}

/** A loaded machine takes its time for so many processes. */
const patience = { timeout: 60_000 }

describe('the slipway script', patience, () => {
  test('installs packages once and hands its arguments over unchanged', async () => {
    const at = place()
    const args = ['up', '--home', '/tmp/with blank', '', '$HOME', '*']
    const first = await at.run(args)
    expect(first).toMatchObject({ code: 0, out: `${JSON.stringify(args)}\n` })
    expect(first.err).toContain('installing packages')
    expect(await at.run(['status'])).toEqual({ code: 0, out: '["status"]\n', err: '' })
    expect(at.installations()).toBe(1)
  })

  test('installs again when the lockfile changed', async () => {
    const at = place()
    await at.run()
    writeFileSync(join(at.root, 'package-lock.json'), '{"lockfileVersion":3,"changed":true}')
    await at.run()
    expect(at.installations()).toBe(2)
  })

  test('works through symbolic links, absolute and relative, from anywhere', async () => {
    const at = place()
    symlinkSync(join(at.root, 'slipway'), join(at.bin, 'absolute'))
    symlinkSync('absolute', join(at.bin, 'relative'))
    expect(await at.run(['help'], { script: join(at.bin, 'relative'), cwd: '/' })).toMatchObject({ code: 0, out: '["help"]\n' })
    expect(await at.run(['help'], { script: './slipway', cwd: at.root })).toMatchObject({ code: 0, out: '["help"]\n' })
  })

  test('two at a time install once, and both go on', async () => {
    const at = place()
    const results = await Promise.all([at.run(['one']), at.run(['two']), at.run(['three'])])
    expect(results.map((result) => result.code)).toEqual([0, 0, 0])
    expect(results.map((result) => result.out)).toEqual(['["one"]\n', '["two"]\n', '["three"]\n'])
    expect(at.installations()).toBe(1)
    expect(existsSync(join(at.root, '.slipway-install'))).toBe(false)
  })

  test('takes over the lock of a process that is gone', async () => {
    const at = place()
    const gone = spawnSync('/bin/sh', ['-c', 'echo $$'], { encoding: 'utf8' }).stdout.trim()
    symlinkSync(gone, join(at.root, '.slipway-install'))
    expect(readlinkSync(join(at.root, '.slipway-install'))).toBe(gone)
    expect((await at.run(['up'])).code).toBe(0)
    expect(existsSync(join(at.root, '.slipway-install'))).toBe(false)
  })

  test('a failed installation is told, counts as none, and leaves no lock', async () => {
    const at = place()
    program(at.bin, 'npm', `#!/bin/sh\necho 'npm error network' >&2\nmkdir -p '${at.root}/node_modules'\nexit 1\n`)
    const failed = await at.run()
    expect(failed.code).toBe(1)
    expect(failed.err).toMatch(/npm error network[\s\S]*slipway: npm install failed/)
    expect(existsSync(join(at.root, '.slipway-install'))).toBe(false)
    program(at.bin, 'npm', fakeNpm(at.root))
    expect((await at.run()).code).toBe(0)
  })

  describe('an installation that is interrupted', () => {
    /** Starts the script with an npm that never comes to an end, and waits until that is at work. */
    async function installing(at: Place) {
      const begun = join(at.root, 'begun')
      program(at.bin, 'npm', `#!/bin/sh\nmkdir -p '${at.root}/node_modules'\ntouch '${begun}'\nexec sleep 600\n`)
      const child = spawn('/bin/sh', [join(at.root, 'slipway'), 'up'], {
        env: { PATH: `${at.bin}:/usr/bin:/bin` },
        stdio: 'ignore',
        detached: true,
      })
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
      expect(await poll(() => (existsSync(begun) ? true : null), { within: 20_000 })).toBe(true)
      // As a terminal does it: to all processes of the group.
      return { ended, interrupt: (signal: NodeJS.Signals) => process.kill(-(child.pid as number), signal) }
    }

    test.each([
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)('by %s leaves no lock and counts as none', async (signal, code) => {
      const at = place()
      const { ended, interrupt } = await installing(at)
      expect(existsSync(join(at.root, 'node_modules', '.slipway-installed'))).toBe(false)
      interrupt(signal)
      expect(await ended).toBe(code)
      expect(() => readlinkSync(join(at.root, '.slipway-install'))).toThrow('ENOENT')
      program(at.bin, 'npm', fakeNpm(at.root))
      expect(await at.run(['up'])).toMatchObject({ code: 0, out: '["up"]\n' })
      expect(at.installations()).toBe(1)
    })

    test('by SIGKILL is taken over by the next', async () => {
      const at = place()
      const { ended, interrupt } = await installing(at)
      interrupt('SIGKILL')
      await ended
      expect(readlinkSync(join(at.root, '.slipway-install'))).toMatch(/^\d+$/)
      program(at.bin, 'npm', fakeNpm(at.root))
      expect(await at.run(['up'])).toMatchObject({ code: 0, out: '["up"]\n' })
      expect(at.installations()).toBe(1)
    })
  })

  test.runIf(process.getuid?.() === 0)('a checkout that this user may not write to is named, and nobody waits for a lock', async () => {
    const at = place()
    chmodSync(join(at.root, '..'), 0o755)
    const result = await at.run([], { uid: 65_534 })
    expect(result).toMatchObject({ code: 1, err: expect.stringContaining(`${at.root} is not writable`) })
    expect(at.installations()).toBe(0)
  })

  test('the exit code of the command is its own', async () => {
    const at = place()
    writeFileSync(join(at.root, 'cli', 'main.ts'), 'process.exit(3)\n')
    expect((await at.run()).code).toBe(3)
  })
})

describe('says what is missing', patience, () => {
  /** The tools of the script without any Node of this machine. */
  function toolsOnly(at: Place, without: readonly string[]): string {
    for (const tool of ['readlink', 'dirname', 'cut', 'sha256sum', 'cat', 'ln', 'rm', 'uname', 'mkdir', 'sleep']) {
      symlinkSync(['/usr/bin', '/bin'].map((folder) => join(folder, tool)).find(existsSync) ?? tool, join(at.bin, tool))
    }
    for (const name of without) rmSync(join(at.bin, name))
    return at.bin
  }

  test('no Node', async () => {
    const at = place()
    const result = await at.run([], { path: toolsOnly(at, ['node']) })
    expect(result).toMatchObject({ code: 1, err: expect.stringContaining('Node is not installed: install Node 20 or newer') })
  })

  test('a Node that is too old', async () => {
    const at = place()
    program(at.bin, 'node', '#!/bin/sh\necho v18.19.0\n')
    expect(await at.run()).toMatchObject({ code: 1, err: expect.stringContaining('Node v18.19.0 is too old') })
  })

  test('no npm', async () => {
    const at = place()
    const result = await at.run([], { path: toolsOnly(at, ['npm']) })
    expect(result).toMatchObject({ code: 1, err: expect.stringContaining('npm is not installed') })
  })

  test('a Node of the packages that does not run here, and none of the system that could do instead', async () => {
    const at = place()
    await at.run()
    for (const arch of ['x64', 'arm64']) rmSync(join(at.root, 'node_modules', `node-linux-${arch}`), { recursive: true })
    expect(await at.run()).toMatchObject({ code: 1, err: expect.stringContaining('Node 24.12 or newer is needed') })
    program(at.bin, 'node', `#!/bin/sh\nexec '${process.execPath}' "$@"\n`)
    expect(await at.run(['help'])).toMatchObject({ code: 0, out: '["help"]\n' })
  })

  test('a checkout that is not complete', async () => {
    const at = place()
    rmSync(join(at.root, 'package-lock.json'))
    expect(await at.run()).toMatchObject({ code: 1, err: expect.stringContaining('not a complete checkout') })
  })
})
