import { Button } from '@mantine/core'
import { IconExternalLink, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useMay, useSignedIn } from '../../api/use-api.ts'
import { CopyAsCurl } from '../../parts/copy-as-curl.tsx'
import { Screen } from '../../parts/screen.tsx'
import { Categories } from './categories.tsx'
import { DishList } from './dish-list.tsx'
import { NewDish } from './new-dish.tsx'

export function MenuScreen() {
  const { tenant } = useSignedIn()
  const [adding, setAdding] = useState(false)
  const mayWrite = useMay('member')
  const actions = (
    <>
      {mayWrite && (
        <Button size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
          New dish
        </Button>
      )}
      <Button
        component="a"
        href={`/m/${tenant?.slug}`}
        target="_blank"
        size="xs"
        variant="default"
        leftSection={<IconExternalLink size={16} aria-hidden />}
      >
        Public page
      </Button>
      <CopyAsCurl call="GET /api/v1/dishes" />
    </>
  )
  return (
    <Screen title="Menu" actions={actions}>
      {adding && <NewDish onClose={() => setAdding(false)} />}
      <DishList onAdd={() => setAdding(true)} />
      <Categories />
    </Screen>
  )
}
