import { Button, FileButton, Group, Progress, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import type { Dish } from '../../api/menu-calls.ts'
import { useMay } from '../../api/use-api.ts'
import { Empty } from '../../parts/empty.tsx'
import { ModelView } from '../../parts/model-view.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { useBytesUrl } from '../../parts/use-bytes-url.ts'
import { CropHelp } from './crop-help.tsx'
import classes from './dish-photo.module.css'
import { ModelState } from './model-state.tsx'
import { useSendPhoto } from './use-send-photo.ts'

const accepted = 'image/jpeg,image/png,image/webp,image/avif,image/heic,image/heif'

/** Photo and model side by side, and everything that makes them. */
export function DishPhoto({ dish }: { readonly dish: Dish }) {
  const mayWrite = useMay('member')
  const [helping, setHelping] = useState(false)
  const { send, sent, error } = useSendPhoto(dish.id)
  const photo = useBytesUrl(dish.photo?.url ?? null, dish.photo?.id ?? '')
  const model = useBytesUrl(dish.served === null ? null : `/api/v1/dishes/${dish.id}/model.web.glb`, dish.served ?? '')
  const button = mayWrite && (
    <FileButton accept={accepted} onChange={(file) => file && send(file)} inputProps={{ 'aria-label': 'Photo of the dish' }}>
      {(props) => (
        <Button {...props} variant={dish.photo ? 'default' : 'filled'} loading={sent !== null}>
          {dish.photo ? 'Replace the photo' : 'Upload a photo'}
        </Button>
      )}
    </FileButton>
  )
  return (
    <Stack component="section" aria-label="Photo and model">
      {sent !== null && <Progress value={sent} aria-label="Progress of the photo" animated={sent >= 100} />}
      {error !== null && <ProblemAlert error={error} />}
      {!dish.photo && !dish.model && (
        <Empty title="No photo yet" action={button}>
          Take it from above or a little from the side, with the whole rim of the plate in the picture.
        </Empty>
      )}
      {dish.model && <ModelState dish={dish} onHelp={() => setHelping(true)} />}
      <div className={classes.pair}>
        {photo.url !== null && (
          <figure>
            <img src={photo.url} alt={`${dish.name}, as it was photographed`} className={classes.photo} />
          </figure>
        )}
        {model.url !== null && <ModelView src={model.url} alt={`${dish.name} as a 3D model`} />}
      </div>
      {model.url !== null && (
        <Text size="sm" c="dimmed">
          Turn it with the pointer or the arrow keys.
        </Text>
      )}
      {(dish.photo || dish.model) && <Group>{button}</Group>}
      {helping && photo.url !== null && (
        <>
          <Title order={2} size="h4">
            Where is the dish?
          </Title>
          <CropHelp dish={dish} photoUrl={photo.url} onDone={() => setHelping(false)} />
        </>
      )}
    </Stack>
  )
}
