import type { Manifest } from '@slipway/backup'

export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  const amount = bytes / 1024 ** power
  return `${power === 0 ? amount : amount.toFixed(1)} ${units[power]}`
}

export function manifestLine(manifest: Manifest): string {
  const what = manifest.kind === 'postgres' ? `schemas ${Object.keys(manifest.schemas).join(', ')}` : `${manifest.objects} objects`
  return `${manifest.id}  ${manifest.kind.padEnd(8)}  ${bytesText(manifest.bytes).padStart(10)}  ${what}`
}
