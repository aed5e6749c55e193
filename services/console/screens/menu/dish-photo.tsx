import { Button, FileButton, Group, Progress, Stack, Text } from '@mantine/core'
import { useState, useSyncExternalStore } from 'react'
import type { Dish } from '../../api/calls.ts'
import { isRunning, type Upload, type UploadTarget } from '../../api/uploads.ts'
import { useMay } from '../../api/use-api.ts'
import { uploads } from '../../api/work.ts'
import { Empty } from '../../parts/empty.tsx'
import { ModelView } from '../../parts/model-view.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { useBytesUrl } from '../../parts/use-bytes-url.ts'
import classes from './dish-photo.module.css'
import { ModelHelp } from './model-help.tsx'
import { ModelState } from './model-state.tsx'

const accepted = 'image/jpeg,image/png,image/webp,image/avif,image/heic,image/heif'

function photoTarget(id: string): UploadTarget {
  return { method: 'PUT', path: `/api/v1/dishes/${id}/photo`, part: 'photo', refreshes: ['/api/v1/dishes'] }
}

/** The last photo that was sent to this dish, also when the screen was left meanwhile. */
function useSentPhoto(path: string): Upload | undefined {
  return useSyncExternalStore(uploads.shown.subscribe, uploads.shown.get).findLast((upload) => upload.path === path)
}

/** Photo and model side by side, and everything that makes them. */
export function DishPhoto({ dish }: { readonly dish: Dish }) {
  const mayWrite = useMay('member')
  const [helping, setHelping] = useState(false)
  const target = photoTarget(dish.id)
  const sent = useSentPhoto(target.path)
  const sending = sent !== undefined && isRunning(sent)
  const photo = useBytesUrl(dish.photo?.url ?? null, dish.photo?.id ?? '')
  const model = useBytesUrl(dish.served === null ? null : `/api/v1/dishes/${dish.id}/model.web.glb`, dish.served ?? '')
  const button = mayWrite && (
    <FileButton
      accept={accepted}
      onChange={(file) => file && uploads.add([file], target)}
      inputProps={{ 'aria-label': 'Photo of the dish' }}
    >
      {(props) => (
        <Button {...props} variant={dish.photo ? 'default' : 'filled'} loading={sending}>
          {dish.photo ? 'Replace the photo' : 'Upload a photo'}
        </Button>
      )}
    </FileButton>
  )
  return (
    <Stack component="section" aria-label="Photo and model">
      {sending && <Sending upload={sent} />}
      {sent?.state === 'failed' && <ProblemAlert error={sent.error} />}
      {!dish.photo && !dish.model && (
        <Empty title="No photo yet" action={button}>
          Take it from above or a little from the side, with the whole rim of the plate in the picture.
        </Empty>
      )}
      {dish.model && <ModelState dish={dish} onHelp={() => setHelping(true)} />}
      {photo.error !== null && <ProblemAlert error={photo.error} />}
      {model.error !== null && <ProblemAlert error={model.error} />}
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
      {helping && photo.url !== null && <ModelHelp dish={dish} photoUrl={photo.url} onDone={() => setHelping(false)} />}
    </Stack>
  )
}

function Sending({ upload: { sent, size, state } }: { readonly upload: Upload }) {
  const part = size === 0 ? 100 : Math.round((sent / size) * 100)
  return <Progress value={part} aria-label="Progress of the photo" animated={state === 'scanning'} />
}
