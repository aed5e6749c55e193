import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { chart, defaults, type KubernetesObject, ofKind, podsOf, renderFiles } from './chart.fixtures.ts'
import { writeSchemas } from './schemas.ts'

/** `skaffold dev` itself is not run here: what it is told is held against its schema, the files, the Dockerfiles and the chart. */
const root = fileURLToPath(new URL('../../', import.meta.url))
const text = readFileSync(join(root, 'skaffold.yaml'), 'utf8')

interface Artifact {
  readonly image: string
  readonly docker: { readonly dockerfile: string; readonly buildArgs?: Readonly<Record<string, string>> }
  readonly requires?: readonly { readonly image: string; readonly alias: string }[]
  readonly sync?: { readonly manual: readonly { readonly src: string; readonly dest: string }[] }
}
interface Release {
  readonly name: string
  readonly namespace: string
  readonly chartPath: string
  readonly valuesFiles: string[]
  readonly setValueTemplates: Readonly<Record<string, string>>
}
interface Skaffold {
  readonly build: { readonly artifacts: readonly Artifact[] }
  readonly deploy: { readonly helm: { readonly releases: readonly [Release] } }
  readonly portForward: readonly { resourceName: string; namespace: string; port: number; localPort: number }[]
  readonly profiles: readonly { readonly name: string; readonly patches: readonly { op: string; path: string; value: string }[] }[]
}

const skaffold = parse(text) as Skaffold
const { artifacts } = skaffold.build
const [release] = skaffold.deploy.helm.releases
const dockerfile = (artifact: Artifact) => readFileSync(join(root, artifact.docker.dockerfile), 'utf8')
/** As Skaffold names an image in templates. */
const nameOf = (image: string) => image.replaceAll(/[^A-Za-z0-9]/g, '_')

describe.skipIf(spawnSync('kubeconform', ['-v']).error !== undefined)('the published schema of Skaffold', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-skaffold-'))
    writeSchemas(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function faults(content: string): string {
    writeFileSync(join(folder, 'skaffold.yaml'), content)
    const schema = join(folder, '{{ .Group }}-{{ .ResourceAPIVersion }}-{{ .ResourceKind }}.json')
    return spawnSync('kubeconform', ['-schema-location', schema, join(folder, 'skaffold.yaml')], { encoding: 'utf8' }).stdout
  }

  test('has nothing against it', () => {
    expect(faults(text)).toBe('')
  })

  test.each([
    ['dockerfile:', 'dockerFile:'],
    ['inputDigest: {}', 'inputDigest: []'],
    ['valuesFiles:', 'valueFiles:'],
    ['localPort: 8080', 'localPort: "x"'],
  ])('would have with %s written as %s', (from, to) => {
    expect(text).toContain(from)
    expect(faults(text.replace(from, to))).not.toBe('')
  })
})

describe.each(artifacts.map((artifact) => [artifact.image, artifact] as const))('%s', (image, artifact) => {
  test('is built by a Dockerfile that takes what it is given', () => {
    for (const name of [...Object.keys(artifact.docker.buildArgs ?? {}), ...(artifact.requires ?? []).map(({ alias }) => alias)])
      expect(dockerfile(artifact)).toMatch(new RegExp(`^ARG ${name}=`, 'm'))
    for (const { image: base } of artifact.requires ?? []) expect(artifacts.map((each) => each.image)).toContain(base)
  })

  test('is an image of the chart, under its own name', () => {
    const [key] = Object.entries(defaults().images).find(([, value]) => (value as { repository: string }).repository === image) ?? []
    for (const [field, word] of Object.entries({ repository: 'REPO', tag: 'TAG', digest: 'DIGEST' }))
      expect(release.setValueTemplates[`images.${key}.${field}`]).toBe(`{{.IMAGE_${word}_${nameOf(image)}}}`)
  })

  test('gets sources copied to where they are in it', () => {
    for (const { src, dest } of artifact.sync?.manual ?? []) {
      expect(globSync(src, { cwd: root, exclude: ['**/node_modules/**'] }).length, src).toBeGreaterThan(0)
      expect(dest).toBe('.')
      const [folder] = src.split('/')
      const base = artifacts.find(({ image: name }) => name === (artifact.requires?.[0]?.image ?? image))
      expect(base && dockerfile(base)).toMatch(new RegExp(`^COPY --chown=\\$\\{OWNER\\} ${folder}(/\\*\\.ts)? ${folder}/?$`, 'm'))
      expect(base && dockerfile(base)).toMatch(/^WORKDIR \/app$/m)
    }
  })
})

/** Values files in the order in which helm gets them, with the patches of a profile. */
function valuesFiles(profile?: string): string[] {
  const files = [...release.valuesFiles]
  for (const { op, path, value } of skaffold.profiles.find(({ name }) => name === profile)?.patches ?? []) {
    expect(op).toBe('add')
    const [, index] = /^\/deploy\/helm\/releases\/0\/valuesFiles\/(\d+)$/.exec(path) ?? []
    expect(Number(index)).toBeLessThanOrEqual(files.length)
    files.splice(Number(index), 0, value)
  }
  return files
}

function deployed(profile: string | undefined, images: (image: string) => Record<'REPO' | 'TAG' | 'DIGEST', string>): KubernetesObject[] {
  const fields = Object.fromEntries(
    artifacts.flatMap(({ image }) => Object.entries(images(image)).map(([word, value]) => [`{{.IMAGE_${word}_${nameOf(image)}}}`, value])),
  )
  const settings = Object.entries(release.setValueTemplates).flatMap(([name, template]) => ['--set', `${name}=${fields[template]}`])
  return renderFiles(valuesFiles(profile), { name: release.name, namespace: release.namespace, settings })
}

const built = (image: string) => ({ REPO: image, TAG: 'a'.repeat(64), DIGEST: '' })
const pushed = (image: string) => ({ REPO: `registry.example.com/${image}`, TAG: 'v1', DIGEST: `sha256:${'b'.repeat(64)}` })

describe('what is deployed', () => {
  const profiles = [undefined, ...skaffold.profiles.map(({ name }) => name)]

  test('is this chart, with files that there are', () => {
    expect(join(root, release.chartPath)).toBe(chart)
    for (const profile of profiles) for (const file of valuesFiles(profile)) expect(existsSync(join(root, file)), file).toBe(true)
  })

  test.each(profiles)('renders with the images that were built: profile %s', (profile) => {
    const images = (of: typeof built) =>
      new Set(podsOf(deployed(profile, of)).flatMap(({ containers }) => containers.map(({ image }) => image)))
    for (const { image } of artifacts) {
      expect(images(built)).toContain(`${image}:${'a'.repeat(64)}`)
      expect(images(pushed)).toContain(`registry.example.com/${image}@sha256:${'b'.repeat(64)}`)
    }
  })

  test('lets the user of the pods write the sources, and Node see it', () => {
    const owner = artifacts.find(({ image }) => image === 'slipway/backend')?.docker.buildArgs?.['OWNER']
    const processes = podsOf(deployed(undefined, built)).filter(({ component }) => /-(api|worker)$/.test(component))
    expect(processes.length).toBeGreaterThan(0)
    for (const { spec, containers } of processes) {
      expect(`${spec.securityContext.runAsUser}:${spec.securityContext.runAsGroup}`).toBe(owner)
      expect(containers[0]?.securityContext).toMatchObject({ readOnlyRootFilesystem: false })
      expect(containers[0]?.['command']).toContain('--watch')
    }
  })

  test('starts processes as the images do, but for --watch', () => {
    for (const { containers } of podsOf(deployed(undefined, built)).filter(({ component }) => /^files-(api|worker)$/.test(component))) {
      const artifact = artifacts.find(({ image }) => containers[0]?.image.startsWith(`${image}:`))
      const [, entry = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(artifact ? dockerfile(artifact) : '') ?? []
      expect(((containers[0]?.['command'] ?? []) as string[]).filter((word) => word !== '--watch')).toEqual(JSON.parse(entry))
    }
  })

  test('alone has a root that can be written to', () => {
    for (const profile of ['production', 'small', 'managed-aws'])
      for (const { containers } of podsOf(renderFiles(['helm/tests/least.yaml', `helm/slipway/profiles/${profile}.yaml`])))
        for (const { securityContext } of containers) expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true })
  })

  test.each(skaffold.portForward)(
    'has $resourceName, whose port $port comes to this machine',
    ({ resourceName, namespace, port, localPort }) => {
      const service = ofKind(deployed(undefined, built), 'Service').find(({ metadata }) => metadata.name === resourceName)
      expect(service?.metadata.namespace).toBe(namespace)
      expect(service?.spec.ports.map((each: { port: number }) => each.port)).toContain(port)
      if (resourceName === 'slipway-frontend') {
        const { publicUrl } = parse(readFileSync(join(root, release.valuesFiles[0] ?? ''), 'utf8')) as { publicUrl: string }
        expect(publicUrl).toBe(`http://localhost:${localPort}`)
      }
    },
  )
})
