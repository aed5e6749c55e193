import { Button, Group } from '@mantine/core'
import type { Calls, Dish } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange } from '../../api/use-api.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface SendHelpProps {
  readonly dish: Dish
  readonly help: NonNullable<Calls['PATCH /api/v1/dishes/{id}/model']['body']>
  readonly label: string
  readonly isUsable: boolean
  readonly onDone: () => void
}

export function SendHelp({ dish, help, label, isUsable, onDone }: SendHelpProps) {
  const params = { id: dish.id }
  const send = useChange((body: typeof help | null) => api.call('PATCH /api/v1/dishes/{id}/model', { params, body }), ['/api/v1/dishes'])
  const options = { onSuccess: onDone }
  return (
    <>
      {send.error && <ProblemAlert error={send.error} />}
      <Group>
        <Button loading={send.isPending} disabled={!isUsable} onClick={() => send.mutate(help, options)}>
          {label}
        </Button>
        {dish.model?.help && (
          <Button variant="default" disabled={send.isPending} onClick={() => send.mutate(null, options)}>
            Make it without help
          </Button>
        )}
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </Group>
    </>
  )
}
