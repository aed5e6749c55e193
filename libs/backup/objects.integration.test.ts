import { Readable } from 'node:stream'
import type { Vault } from '@slipway/storage/backup'
import { describe, expect, test } from 'vitest'
import { buckets, contentOf, retention, startVault, store, type TestVault } from './backup.fixtures.ts'
import { backUpObjects, checkObjects, chooseBackups, readCatalog, restoreObjects } from './index.ts'
import { keyOf } from './manifest.ts'

const hour = 3_600_000
const day = 24 * hour

const photo = { bucket: 'files', key: 'tenant-1/photo.jpg' }
const model = { bucket: 'dish-models', key: 'tenant-2/model.glb' }
const everything = { [photo.key]: 'a photo', [model.key]: Buffer.alloc(9 * 1_048_576, 'm').toString() }

async function filled(): Promise<TestVault> {
  const vault = await startVault()
  await store(vault.storage, photo, everything[photo.key] ?? '')
  await store(vault.storage, model, everything[model.key] ?? '')
  return vault
}

function backUp({ vault, storage, clock }: TestVault, keep = retention) {
  return backUpObjects({ vault, storage, buckets, app: 'test', now: clock.now, ...keep })
}

async function keysIn(vault: Vault, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const page of vault.list(prefix)) keys.push(...page.map(({ key }) => key))
  return keys
}

async function bytesAt(vault: Vault, key: string): Promise<Buffer> {
  return Buffer.concat(await (await vault.read(key)).stream.toArray())
}

describe('objects that were backed up', () => {
  test('come back with their bytes, types and verdicts after all of them were lost', async () => {
    await using vault = await filled()
    const heads = [await vault.storage.head(photo), await vault.storage.head(model)]
    const { manifest, copied } = await backUp(vault)
    expect(copied).toBe(2)
    expect(manifest).toMatchObject({ objects: 2, bytes: 7 + 9 * 1_048_576, buckets: ['dish-models', 'files'], damaged: 0 })
    for (const place of [photo, model]) await vault.storage.remove(place)
    expect(await checkObjects({ ...vault, manifest })).toBe(2)
    expect(await restoreObjects({ ...vault, manifest })).toBe(2)
    for (const [index, place] of [photo, model].entries()) {
      expect(await contentOf(vault.storage, place)).toBe(everything[place.key])
      const { metadata, contentType, size } = heads[index]!
      expect(await vault.storage.head(place)).toMatchObject({ metadata, contentType, size })
    }
    expect(await restoreObjects({ ...vault, manifest })).toBe(0)
  })

  test('come back into buckets that are not there', async () => {
    await using vault = await filled()
    const { manifest } = await backUp(vault)
    await using elsewhere = await startVault()
    expect(await checkObjects({ vault: vault.vault, storage: elsewhere.storage, manifest })).toBe(2)
    expect(await restoreObjects({ vault: vault.vault, storage: elsewhere.storage, manifest })).toBe(2)
    expect(await contentOf(elsewhere.storage, photo)).toBe('a photo')
  })

  test('replace others under their keys, and leave alone what is there beside them', async () => {
    await using vault = await filled()
    const { manifest } = await backUp(vault)
    await store(vault.storage, photo, 'another one')
    await store(vault.storage, { bucket: 'files', key: 'tenant-1/later.txt' }, 'later')
    expect(await checkObjects({ ...vault, manifest })).toBe(1)
    expect(await restoreObjects({ ...vault, manifest })).toBe(1)
    expect(await contentOf(vault.storage, photo)).toBe('a photo')
    expect(await contentOf(vault.storage, { bucket: 'files', key: 'tenant-1/later.txt' })).toBe('later')
  })

  test('go on where a restore was interrupted', async () => {
    await using vault = await filled()
    const { manifest } = await backUp(vault)
    const content = keyOf.content((await onlyDigest(vault, model.bucket)) ?? '')
    for (const place of [photo, model]) await vault.storage.remove(place)
    const bytes = await bytesAt(vault.vault, content)
    await vault.vault.remove([content])
    await expect(restoreObjects({ ...vault, manifest })).rejects.toThrow()
    await vault.vault.put(content, Readable.from([bytes]))
    await restoreObjects({ ...vault, manifest })
    for (const place of [photo, model]) expect(await contentOf(vault.storage, place)).toBe(everything[place.key])
  })
})

async function onlyDigest({ storage }: TestVault, bucket: string): Promise<string | undefined> {
  return (await storage.head(bucket === model.bucket ? model : photo))?.metadata['sha256']
}

describe('a second backup', () => {
  test('reads nothing that it has already, and stores equal bytes once', async () => {
    await using vault = await filled()
    await backUp(vault)
    await store(vault.storage, { bucket: 'files', key: 'tenant-2/same.jpg' }, 'a photo')
    await store(vault.storage, { bucket: 'files', key: 'tenant-0/new.txt' }, 'new')
    vault.clock.advance(day)
    const { manifest, copied } = await backUp(vault)
    expect(copied).toBe(1)
    expect(manifest.objects).toBe(4)
    expect(await keysIn(vault.vault, 'content/')).toHaveLength(3)
  })

  test('knows what was removed and replaced; the first one still has it', async () => {
    await using vault = await filled()
    const first = await backUp(vault)
    await vault.storage.remove(model)
    await store(vault.storage, photo, 'a new photo')
    vault.clock.advance(day)
    const second = await backUp(vault)
    expect(second.manifest.objects).toBe(1)
    await restoreObjects({ ...vault, manifest: first.manifest })
    expect(await contentOf(vault.storage, photo)).toBe('a photo')
    expect(await contentOf(vault.storage, model)).toBe(everything[model.key])
    await restoreObjects({ ...vault, manifest: second.manifest })
    expect(await contentOf(vault.storage, photo)).toBe('a new photo')
  })

  test.each([
    [1, 'once, as it stands then'],
    [9, 'all the time, not for ever'],
  ])('reads an object that is replaced %i times meanwhile %s', async (times) => {
    await using vault = await filled()
    const read = vault.storage.read.bind(vault.storage)
    let replaced = 0
    const rival: typeof read = async (place, options) => {
      if (place.key === photo.key && replaced < times) await store(vault.storage, photo, `photo ${++replaced}`)
      return read(place, options)
    }
    Object.assign(vault.storage, { read: rival })
    const made = backUp(vault)
    if (times === 1) {
      expect(await made).toMatchObject({ copied: 2, vanished: 0 })
      Object.assign(vault.storage, { read })
      expect(await checkObjects({ ...vault, manifest: (await made).manifest })).toBe(0)
    } else {
      await expect(made).rejects.toThrow('files/tenant-1/photo.jpg is another object each time that it is read')
      expect((await readCatalog(vault.vault)).backups).toEqual([])
    }
  })

  test('makes copies again that were lost in the vault', async () => {
    await using vault = await filled()
    await backUp(vault)
    await vault.vault.remove(await keysIn(vault.vault, 'content/'))
    vault.clock.advance(day)
    const { manifest, copied } = await backUp(vault)
    expect(copied).toBe(2)
    expect(await checkObjects({ ...vault, manifest })).toBe(0)
    expect(await keysIn(vault.vault, 'content/')).toHaveLength(2)
  })

  test('keeps what has decayed at its source as it is, and says so', async () => {
    await using vault = await filled()
    // The gate wrote down another digest than that of the bytes that the store gives now.
    const { createHash } = await import('node:crypto')
    const bytes = Buffer.from('decayed')
    const digest = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    const { bringBack } = await import('@slipway/storage/backup')
    await bringBack(
      vault.storage,
      { bucket: 'files', key: 'old', ...digest, contentType: 'text/plain', metadata: { sha256: 'f'.repeat(64) } },
      Readable.from([bytes]),
    )
    const { manifest } = await backUp(vault)
    expect(manifest).toMatchObject({ objects: 3, damaged: 1 })
    await vault.storage.remove({ bucket: 'files', key: 'old' })
    await restoreObjects({ ...vault, manifest })
    expect(await contentOf(vault.storage, { bucket: 'files', key: 'old' })).toBe('decayed')
  })
})

describe('nothing is written', () => {
  const damages: [string, (vault: TestVault, id: string) => Promise<void>, RegExp][] = [
    [
      'a copy has other bytes',
      async (v) => void (await v.vault.put(keyOf.content((await onlyDigest(v, 'files')) ?? ''), Readable.from([Buffer.from('a fotoo')]))),
      /files\/tenant-1\/photo.jpg has other bytes/,
    ],
    ['a copy is missing', async (v) => v.vault.remove([keyOf.content((await onlyDigest(v, 'files')) ?? '')]), /photo.jpg is missing/],
    [
      'the index was cut',
      async (v, id) =>
        void (await v.vault.put(keyOf.index(id), Readable.from([(await bytesAt(v.vault, keyOf.index(id))).subarray(0, -9)]))),
      /index of objects backup .* is damaged/,
    ],
  ]
  test.each(damages)('when %s', async (_, damage, words) => {
    await using vault = await filled()
    const { manifest } = await backUp(vault)
    await damage(vault, manifest.id)
    for (const place of [photo, model]) await vault.storage.remove(place)
    await expect(checkObjects({ ...vault, manifest })).rejects.toThrow(words)
    for (const place of [photo, model]) expect(await vault.storage.head(place)).toBeUndefined()
  })

  test('that has other bytes than its digest says, even when nobody looked before', async () => {
    await using vault = await filled()
    const { manifest } = await backUp(vault)
    await vault.vault.put(keyOf.content((await onlyDigest(vault, 'files')) ?? ''), Readable.from([Buffer.from('a fotoo')]))
    await vault.storage.remove(photo)
    await expect(restoreObjects({ ...vault, manifest })).rejects.toThrow('has other bytes')
    expect(await vault.storage.head(photo)).toBeUndefined()
  })
})

describe('a run that is killed', () => {
  test('leaves no backup, and what it leaves goes once no run can need it', async () => {
    await using vault = await filled()
    const { storage, clock } = vault
    // It ends after its copies and before its manifest.
    const dying: Vault = {
      ...vault.vault,
      async put(key, source, options) {
        if (key.endsWith('manifest.json')) throw new Error('killed')
        return await vault.vault.put(key, source, options)
      },
    }
    const killed = backUpObjects({ vault: dying, storage, buckets, app: 'test', now: clock.now, ...retention })
    await expect(killed).rejects.toThrow('killed')
    expect((await readCatalog(vault.vault)).backups).toEqual([])
    expect((await readCatalog(vault.vault)).incomplete).toHaveLength(1)
    expect(() => chooseBackups({ backups: [], unreadable: [], incomplete: [] }, { from: 'latest' })).toThrow('there is no backup')
    await vault.storage.remove(model)
    clock.advance(hour)
    const next = await backUp(vault)
    expect(next.copied).toBe(0)
    expect(await keysIn(vault.vault, 'content/')).toHaveLength(2)
    clock.advance(4 * day)
    const later = await backUp(vault)
    expect(later.removed).toBe(1)
    expect(await readCatalog(vault.vault)).toMatchObject({ backups: [later.manifest, next.manifest], incomplete: [] })
    expect(await keysIn(vault.vault, 'content/')).toEqual([keyOf.content((await onlyDigest(vault, 'files')) ?? '')])
  })
})

describe('retention', () => {
  test('removes backups after their days, and copies that only they named', async () => {
    await using vault = await filled()
    const first = await backUp(vault)
    await vault.storage.remove(model)
    vault.clock.advance(5 * day)
    const second = await backUp(vault)
    expect(second).toMatchObject({ expired: [], removed: 0 })
    vault.clock.advance(3 * day)
    const third = await backUp(vault)
    expect(third).toMatchObject({ expired: [first.manifest.id], removed: 1 })
    expect((await readCatalog(vault.vault)).backups.map(({ id }) => id)).toEqual([third.manifest.id, second.manifest.id])
    expect(await keysIn(vault.vault, 'content/')).toHaveLength(1)
    expect(await keysIn(vault.vault, `objects/${first.manifest.id}/`)).toEqual([])
  })
})

describe('many objects', () => {
  const count = 1050

  test('are copied, left alone and brought back page by page', async () => {
    await using vault = await startVault()
    const keys = Array.from({ length: count }, (_, n) => ({ bucket: 'files', key: `t/${String(n * 7919).padStart(8, '0')}` }))
    for (let from = 0; from < count; from += 50)
      await Promise.all(keys.slice(from, from + 50).map((place) => store(vault.storage, place, place.key)))
    expect(await backUp(vault)).toMatchObject({ copied: count, manifest: { objects: count } })
    vault.clock.advance(day)
    const { manifest, copied } = await backUp(vault)
    expect([copied, manifest.objects]).toEqual([0, count])
    const lost = keys.filter((_, n) => n % 3 === 0)
    for (let from = 0; from < lost.length; from += 50)
      await Promise.all(lost.slice(from, from + 50).map((place) => vault.storage.remove(place)))
    expect(await checkObjects({ ...vault, manifest })).toBe(lost.length)
    expect(await restoreObjects({ ...vault, manifest })).toBe(lost.length)
    expect(await checkObjects({ ...vault, manifest })).toBe(0)
    expect(await contentOf(vault.storage, lost[300]!)).toBe(lost[300]?.key)
  })
})

test('a bucket prefix that is wrong is no empty backup', async () => {
  await using vault = await startVault()
  const nothing = backUpObjects({ ...vault, buckets: ['none', 'neither'], app: 'test', now: vault.clock.now, ...retention })
  await expect(nothing).rejects.toThrow('none of the buckets is there')
})
