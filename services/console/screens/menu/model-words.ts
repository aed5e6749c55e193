import type { DishModel } from '../../api/calls.ts'

export function isMaking({ state }: DishModel): boolean {
  return state === 'queued' || state === 'running'
}

export function modelText(model: DishModel | null): string {
  if (model === null) return 'no photo yet'
  if (model.state === 'queued') return 'waits for its model'
  if (model.state === 'running') return `is made: ${model.step ?? 'begins'}, ${model.progress} %`
  if (model.state === 'failed') return 'model failed'
  if (model.state === 'cancelled') return 'model cancelled'
  return model.result?.confident === false ? 'needs your help' : '3D model ready'
}

export function modelColour(model: DishModel | null): string {
  if (model === null || model.state === 'cancelled') return 'gray'
  if (model.state === 'failed') return 'red'
  return isMaking(model) || model.result?.confident === false ? 'yellow' : 'green'
}
