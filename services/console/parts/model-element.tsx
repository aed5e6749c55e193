import '@google/model-viewer/lib/model-viewer.js'
import { useEffect, useRef } from 'react'

interface ModelElementProps {
  readonly src: string
  readonly alt: string
  readonly poster?: string
}

interface ViewerClass {
  dracoDecoderLocation: string
  ktx2TranscoderLocation: string
  meshoptDecoderLocation: string
  lottieLoaderLocation: string
}

declare module 'react' {
  // oxlint-disable-next-line typescript/no-namespace -- React's own way to declare an element
  namespace JSX {
    interface IntrinsicElements {
      'model-viewer': React.DetailedHTMLProps<React.HTMLAttributes<HTMLElement>, HTMLElement> & {
        src?: string
        alt?: string
        poster?: string | undefined
        'camera-controls'?: boolean
        'interaction-prompt'?: string
        'shadow-intensity'?: string
        'camera-orbit'?: string
        'touch-action'?: string
      }
    }
  }
}

// By default decoders come from a foreign host. Ours use meshopt only; what is asked of the others stays here and is not found.
const viewer = customElements.get('model-viewer') as unknown as ViewerClass
viewer.meshoptDecoderLocation = '/meshopt.js'
viewer.dracoDecoderLocation = '/assets/'
viewer.ktx2TranscoderLocation = '/assets/'
viewer.lottieLoaderLocation = '/assets/'

/** The 3D viewer, in a chunk of its own. It turns by pointer and by arrow keys. */
export function ModelElement({ src, alt, poster }: ModelElementProps) {
  const element = useRef<HTMLElement>(null)
  useEffect(() => {
    const found = element.current
    const loaded = () => found?.setAttribute('data-loaded', 'true')
    found?.addEventListener('load', loaded)
    return () => found?.removeEventListener('load', loaded)
  }, [])
  return (
    <model-viewer
      ref={element}
      src={src}
      alt={alt}
      poster={poster}
      camera-controls
      interaction-prompt="none"
      shadow-intensity="1"
      camera-orbit="0deg 45deg auto"
      touch-action="pan-y"
      className="model"
    />
  )
}
