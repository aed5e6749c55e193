import { SegmentedControl, Stack, Title } from '@mantine/core'
import { useState } from 'react'
import type { Dish } from '../../api/calls.ts'
import { CropHelp } from './crop-help.tsx'
import { PlateHelp } from './plate-help.tsx'

export interface HelpProps {
  readonly dish: Dish
  readonly photoUrl: string
  readonly onDone: () => void
}

const ways = [
  { value: 'plate', label: 'The rim of the plate' },
  { value: 'crop', label: 'A part of the photo' },
] as const

/** Where the model is to be made from, when it has not found that by itself. */
export function ModelHelp(props: HelpProps) {
  const help = props.dish.model?.help
  const [way, setWay] = useState<(typeof ways)[number]['value']>(help && 'crop' in help ? 'crop' : 'plate')
  return (
    <Stack component="section" aria-label="Help the model">
      <Title order={2} size="h4">
        Where is the dish?
      </Title>
      <SegmentedControl aria-label="Help with" value={way} onChange={setWay} data={[...ways]} maw={520} />
      {way === 'plate' ? <PlateHelp {...props} /> : <CropHelp {...props} />}
    </Stack>
  )
}
