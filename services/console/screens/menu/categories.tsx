import { Button, Group, Paper, Stack, TagsInput, Text, TextInput, Title } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Menu } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList, useMay } from '../../api/use-api.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'

/** Menus of the tenant with their categories, in order. */
export function Categories() {
  const menus = useList('GET /api/v1/menus')
  const mayWrite = useMay('member')
  if (!menus.data) return null
  return (
    <Stack component="section" aria-label="Menus and categories">
      <Title order={2} size="h4">
        Menus and categories
      </Title>
      {menus.data.length === 0 && <Text c="dimmed">Dishes without a category are shown together. Make a menu to sort them.</Text>}
      {menus.data.map((menu) => (
        <MenuEditor key={`${menu.id} ${menu.etag}`} menu={menu} mayWrite={mayWrite} />
      ))}
      {mayWrite && <NewMenu />}
    </Stack>
  )
}

interface MenuEditorProps {
  readonly menu: Menu
  readonly mayWrite: boolean
}

function MenuEditor({ menu, mayWrite }: MenuEditorProps) {
  const [names, setNames] = useState(menu.categories.map(({ name }) => name))
  const [asking, setAsking] = useState(false)
  const params = { id: menu.id }
  const save = useChange(
    (visible: boolean) => {
      const categories = names.map((name) => ({ name, ...idOf(menu, name) }))
      return api.call('PATCH /api/v1/menus/{id}', { params, headers: { 'if-match': menu.etag }, body: { categories, visible } })
    },
    ['/api/v1/menus', '/api/v1/dishes'],
  )
  const remove = useChange(() => api.call('DELETE /api/v1/menus/{id}', { params }), ['/api/v1/menus', '/api/v1/dishes'])
  const options = { onSuccess: () => tell(`${menu.name} is saved`), onError: tellProblem }
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text fw={600}>
          {menu.name} {!menu.visible && '(hidden)'}
        </Text>
        <TagsInput
          label={`Categories of ${menu.name}`}
          description="In order; Enter adds one"
          disabled={!mayWrite}
          value={names}
          onChange={setNames}
        />
        {mayWrite && (
          <Group gap="xs">
            <Button size="xs" loading={save.isPending} onClick={() => save.mutate(menu.visible, options)}>
              Save
            </Button>
            <Button size="xs" variant="default" onClick={() => save.mutate(!menu.visible, options)}>
              {menu.visible ? 'Hide' : 'Show'}
            </Button>
            <Button size="xs" variant="light" color="red" onClick={() => setAsking(true)}>
              Delete
            </Button>
          </Group>
        )}
        <Confirm
          opened={asking}
          title={`Delete ${menu.name}?`}
          action="Delete"
          busy={remove.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => remove.mutate(undefined, { onSuccess: () => setAsking(false), onError: tellProblem })}
        >
          Its categories go with it. The dishes stay, without a category.
        </Confirm>
      </Stack>
    </Paper>
  )
}

function idOf({ categories }: Menu, name: string): { id?: string } {
  const known = categories.find((category) => category.name === name)
  return known ? { id: known.id } : {}
}

function NewMenu() {
  const [name, setName] = useState('')
  const create = useChange(() => api.call('POST /api/v1/menus', { body: { name } }), ['/api/v1/menus'])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate(undefined, { onSuccess: () => setName(''), onError: tellProblem })
  }
  return (
    <form onSubmit={submit}>
      <Group align="flex-end">
        <TextInput label="New menu" placeholder="Dinner" required value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" variant="default" loading={create.isPending}>
          Add
        </Button>
      </Group>
    </form>
  )
}
