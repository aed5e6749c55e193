import type { Model } from '../../api/menu-calls.ts'

export function isMaking({ state }: Model): boolean {
  return state === 'queued' || state === 'running'
}

export function modelText(model: Model | null): string {
  if (model === null) return 'no photo yet'
  if (model.state === 'queued') return 'waits for its model'
  if (model.state === 'running') return `is made: ${model.step ?? 'begins'}, ${model.progress} %`
  if (model.state === 'failed') return 'model failed'
  if (model.state === 'cancelled') return 'model cancelled'
  return model.result?.confident === false ? 'needs your help' : '3D model ready'
}

export function modelColour(model: Model | null): string {
  if (model === null || model.state === 'cancelled') return 'gray'
  if (model.state === 'failed') return 'red'
  return isMaking(model) || model.result?.confident === false ? 'yellow' : 'green'
}
