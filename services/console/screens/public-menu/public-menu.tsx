import { Loader, Stack, Text, Title } from '@mantine/core'
import { ApiProblem } from '@slipway/client'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { PublicDish, PublicMenu } from '../../api/calls.ts'
import { createApi } from '../../api/client.ts'
import { publicMenuKey } from '../../api/runtime.ts'
import { Empty } from '../../parts/empty.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { PublicDishCard } from './public-dish-card.tsx'
import classes from './public-menu.module.css'

const route = getRouteApi('/m/$tenant')
const anonymous = createApi()

/** What guests see: no sign-in, posters first, 3D when they ask for it. */
export function PublicMenuPage() {
  const { tenant } = route.useParams()
  const menu = useQuery({
    queryKey: [publicMenuKey, tenant],
    queryFn: ({ signal }) => anonymous.call('GET /api/v1/public/menu', { query: { tenant }, signal }),
    refetchInterval: 60_000,
  })
  useEffect(() => {
    document.title = menu.data?.tenant.name ?? 'Menu'
  }, [menu.data])
  if (menu.data) return <Found menu={menu.data} />
  return (
    <main className={classes.page}>
      <Title order={1} className="visually-hidden">
        Menu
      </Title>
      {menu.error ? <Failure error={menu.error} /> : <Loader aria-label="Loading" />}
    </main>
  )
}

function Failure({ error }: { readonly error: Error }) {
  if (error instanceof ApiProblem && error.status === 404) return <Empty title="There is no such menu">The address may be mistyped.</Empty>
  return <ProblemAlert error={error} />
}

function Found({ menu }: { readonly menu: PublicMenu }) {
  const sections = [
    ...menu.menus.flatMap(({ categories }) => categories),
    ...(menu.uncategorised.length > 0 ? [{ id: 'uncategorised', name: '', dishes: menu.uncategorised }] : []),
  ].filter(({ dishes }) => dishes.length > 0)
  return (
    <main className={classes.page}>
      <Stack gap="xl">
        <Title order={1}>{menu.tenant.name}</Title>
        {sections.length === 0 && <Text>Nothing is on the menu right now.</Text>}
        {sections.map(({ id, name, dishes }) => (
          <Section key={id} name={name} dishes={dishes} />
        ))}
      </Stack>
    </main>
  )
}

function Section({ name, dishes }: { readonly name: string; readonly dishes: readonly PublicDish[] }) {
  return (
    <section aria-label={name || 'Dishes'}>
      {name && (
        <Title order={2} size="h3" mb="sm">
          {name}
        </Title>
      )}
      <ul className={classes.dishes}>
        {dishes.map((dish) => (
          <PublicDishCard key={dish.id} dish={dish} />
        ))}
      </ul>
    </section>
  )
}
