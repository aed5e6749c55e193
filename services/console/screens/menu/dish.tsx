import { Button, Group, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { Dish } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useCall, useChange, useMay } from '../../api/use-api.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { CopyAsCurl } from '../../parts/copy-as-curl.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Screen } from '../../parts/screen.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'
import { DishForm, type DishValues } from './dish-form.tsx'
import { DishPhoto } from './dish-photo.tsx'
import { useLiveModel } from './use-live-model.ts'

const route = getRouteApi('/workplace/menu/$dish')

export function DishScreen() {
  const { dish: id } = route.useParams()
  const dish = useCall('GET /api/v1/dishes/{id}', { params: { id } })
  useLiveModel(id)
  return (
    <Screen title={dish.data?.name ?? 'Dish'} actions={<CopyAsCurl call="GET /api/v1/dishes/{id}" input={{ params: { id } }} />}>
      <Loaded query={dish}>
        {(found) => (
          <Stack gap="xl">
            <DishPhoto key={`photo ${found.id}`} dish={found} />
            <Editor key={found.id} dish={found} />
          </Stack>
        )}
      </Loaded>
    </Screen>
  )
}

function Editor({ dish }: { readonly dish: Dish }) {
  const navigate = route.useNavigate()
  const [asking, setAsking] = useState(false)
  const mayWrite = useMay('member')
  const params = { id: dish.id }
  const save = useChange(
    (body: DishValues) => api.call('PATCH /api/v1/dishes/{id}', { params, headers: { 'if-match': dish.etag }, body }),
    ['/api/v1/dishes'],
  )
  const remove = useChange(() => api.call('DELETE /api/v1/dishes/{id}', { params }), ['/api/v1/dishes'])
  if (!mayWrite) return null
  return (
    <Stack maw={520}>
      <DishForm
        dish={dish}
        action="Save"
        busy={save.isPending}
        error={save.error}
        onSave={(values) => save.mutate(values, { onSuccess: () => tell('The dish is saved') })}
      />
      <Group>
        <Button variant="light" color="red" onClick={() => setAsking(true)}>
          Delete this dish
        </Button>
      </Group>
      <Confirm
        opened={asking}
        title={`Delete ${dish.name}?`}
        action="Delete"
        busy={remove.isPending}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate(undefined, { onSuccess: () => void navigate({ to: '/menu' }), onError: tellProblem })}
      >
        Its photo and its model go with it.
      </Confirm>
    </Stack>
  )
}
