import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { processState } from './process-identity.ts'

const run = promisify(execFile)
const listening = '0A'

/** The process that listens on a TCP port of this machine, as far as this user may know. */
export async function portOwner(port: number): Promise<{ pid: number; command: string } | undefined> {
  const pid = (await ownerFromProc(port)) ?? (await ownerFromLsof(port))
  const state = pid === undefined ? undefined : await processState(pid)
  return state && { pid: state.pid, command: state.command.slice(0, 80) }
}

async function ownerFromProc(port: number): Promise<number | undefined> {
  const inodes = new Set((await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((table) => socketInodes(table, port)))).flat())
  if (inodes.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    if (await holdsSocket(pid, inodes)) return Number(pid)
  }
  return undefined
}

/** Lines are `sl local rem st tx:rx tr:tm retrnsmt uid timeout inode`, addresses as `hex:hexport` (proc_net_tcp(5)). */
async function socketInodes(table: string, port: number): Promise<string[]> {
  const text = await readFile(table, 'utf8').catch(() => '')
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hexPort}`) && fields[3] === listening)
    .map((fields) => `socket:[${fields[9]}]`)
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const descriptors = await readdir(folder).catch(() => [])
  const targets = await Promise.all(descriptors.map((descriptor) => readlink(`${folder}/${descriptor}`).catch(() => '')))
  return targets.some((target) => inodes.has(target))
}

async function ownerFromLsof(port: number): Promise<number | undefined> {
  try {
    const { stdout } = await run('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'])
    return Number(stdout.trim().split('\n')[0]) || undefined
  } catch {
    return undefined
  }
}
