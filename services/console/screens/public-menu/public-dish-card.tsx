import { Button, Group, Text } from '@mantine/core'
import { IconCube3dSphere } from '@tabler/icons-react'
import { useState } from 'react'
import type { PublicDish } from '../../api/calls.ts'
import { ModelView } from '../../parts/model-view.tsx'
import { priceText } from '../menu/price.ts'
import classes from './public-menu.module.css'

/** A poster, which turns into the model when somebody wants to turn it. */
export function PublicDishCard({ dish }: { readonly dish: PublicDish }) {
  const [in3d, setIn3d] = useState(false)
  const { name, description, price, allergens, model, photo } = dish
  const picture = model?.poster ?? photo?.url
  return (
    <li className={classes.dish}>
      {in3d && model ? (
        <ModelView src={model.web} poster={model.poster} alt={`${name} as a 3D model`} />
      ) : (
        picture && <img src={picture} alt={name} loading="lazy" className={classes.picture} />
      )}
      <div className={classes.text}>
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Text fw={600} component="h3">
            {name}
          </Text>
          <Text fw={600}>{priceText(price)}</Text>
        </Group>
        {description && <Text size="sm">{description}</Text>}
        {allergens.length > 0 && (
          <Text size="sm" c="dimmed">
            Contains {allergens.join(', ')}
          </Text>
        )}
        {model && !in3d && (
          <Button
            mt="sm"
            size="xs"
            variant="light"
            leftSection={<IconCube3dSphere size={16} aria-hidden />}
            onClick={() => setIn3d(true)}
            aria-label={`See it in 3D: ${name}`}
          >
            See it in 3D
          </Button>
        )}
      </div>
    </li>
  )
}
