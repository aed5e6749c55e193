import { Modal } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { api } from '../../api/runtime.ts'
import { useChange } from '../../api/use-api.ts'
import { DishForm, type DishValues } from './dish-form.tsx'

export function NewDish({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate()
  const create = useChange((body: DishValues) => api.call('POST /api/v1/dishes', { body }), ['/api/v1/dishes'])
  return (
    <Modal opened onClose={onClose} title="New dish" closeButtonProps={{ 'aria-label': 'Close' }}>
      <DishForm
        action="Add the dish"
        busy={create.isPending}
        error={create.error}
        onSave={(values) => create.mutate(values, { onSuccess: ({ id }) => void navigate({ to: '/menu/$dish', params: { dish: id } }) })}
      />
    </Modal>
  )
}
