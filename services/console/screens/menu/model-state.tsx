import { Alert, Button, Code, Group, List, Progress, Stack, Text } from '@mantine/core'
import type { Dish, DishModel, ModelResult } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useMay } from '../../api/use-api.ts'
import { bytesText, workTimeText } from '../../api/words.ts'
import { tellProblem } from '../../parts/tell.tsx'
import { isMaking } from './model-words.ts'

interface ModelStateProps {
  readonly dish: Dish
  readonly onHelp: () => void
}

export function ModelState({ dish, onHelp }: ModelStateProps) {
  const mayWrite = useMay('member')
  const params = { id: dish.id }
  const retry = useChange(() => api.call('POST /api/v1/dishes/{id}/model/retry', { params }), ['/api/v1/dishes'])
  const cancel = useChange(() => api.call('POST /api/v1/dishes/{id}/model/cancel', { params }), ['/api/v1/dishes'])
  const { model } = dish
  if (!model) return null
  return (
    <Stack gap="xs">
      {isMaking(model) && <Steps model={model} />}
      {model.state === 'failed' && <Failed model={model} />}
      {model.state === 'cancelled' && <Alert color="yellow">Making the model was cancelled.</Alert>}
      {model.state === 'done' && model.result && <Result result={model.result} />}
      {mayWrite && (
        <Group gap="xs">
          {isMaking(model) && (
            <Button size="xs" variant="default" onClick={() => cancel.mutate(undefined, { onError: tellProblem })}>
              Cancel
            </Button>
          )}
          {!isMaking(model) && (
            <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate(undefined, { onError: tellProblem })}>
              Make it again
            </Button>
          )}
          {!isMaking(model) && dish.photo && (
            <Button size="xs" variant="default" onClick={onHelp}>
              Help it
            </Button>
          )}
        </Group>
      )}
    </Stack>
  )
}

function Steps({ model }: { readonly model: DishModel }) {
  const at = model.step === null ? -1 : model.steps.indexOf(model.step)
  return (
    <Stack gap={4} role="status">
      <Text>
        {model.state === 'queued' ? 'Waits for a free worker. You can leave this page.' : `Makes the model: ${model.step ?? 'begins'}`}
      </Text>
      <Progress value={model.progress} aria-label="Progress of the model" />
      <Text size="sm" c="dimmed">
        {model.steps.map((step, place) => (place < at ? `${step} ✓` : step)).join(' · ')}
      </Text>
    </Stack>
  )
}

function Failed({ model }: { readonly model: DishModel }) {
  return (
    <Alert color="red" role="alert" title="The model could not be made">
      <Text size="sm">{model.error?.detail ?? 'No reason is known.'}</Text>
      {model.error?.traceId && (
        <Text size="xs">
          Trace <Code>{model.error.traceId}</Code>
        </Text>
      )}
    </Alert>
  )
}

const methods = { plate: 'the rim of the plate', relief: 'what stands out of the picture' } as const

function Result({ result }: { readonly result: ModelResult }) {
  const { method, confidence, confident, tiltDegrees, webTriangles, milliseconds, warnings, files } = result
  return (
    <Alert color={confident ? 'green' : 'yellow'} title={confident ? 'The model is ready' : 'Look closely: the model may be wrong'}>
      <Text size="sm">
        Made from {methods[method]}, confidence {Math.round(confidence * 100)} %, camera tilted by {Math.round(tiltDegrees)}°.{' '}
        {webTriangles.toLocaleString()} triangles, {bytesText(files.web.bytes)} for browsers, {bytesText(files.plain.bytes)} for AR, in{' '}
        {workTimeText(milliseconds / 1000)}.
      </Text>
      {!confident && <Text size="sm">Help it by showing where the plate is, or take a photo with the whole rim in the picture.</Text>}
      {warnings.length > 0 && (
        <List size="sm">
          {warnings.map((warning) => (
            <List.Item key={warning}>{warning}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  )
}
