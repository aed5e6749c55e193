import { Center, Loader } from '@mantine/core'
import { lazy, Suspense } from 'react'

const ModelElement = lazy(() => import('./model-element.tsx').then((module) => ({ default: module.ModelElement })))

interface ModelViewProps {
  readonly src: string
  readonly alt: string
  readonly poster?: string
}

/** Loads the viewer only when something is to be seen in it. */
export function ModelView(props: ModelViewProps) {
  return (
    <Suspense
      fallback={
        <Center className="model">
          <Loader aria-label="Loading the viewer" />
        </Center>
      }
    >
      <ModelElement {...props} />
    </Suspense>
  )
}
