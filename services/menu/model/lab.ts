import { type Plane, planeOf } from './raster.ts'

/** 8 bit sRGB without alpha, row by row. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** CIE L*a*b* (D65): L from 0 to 100. */
export interface Lab {
  readonly L: Plane
  readonly a: Plane
  readonly b: Plane
}

const linear = Float32Array.from({ length: 256 }, (_, value) => {
  const share = value / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
})
const curve = (t: number) => (t > 216 / 24_389 ? Math.cbrt(t) : (t * 24_389) / 3132 + 16 / 116)

/** IEC 61966-2-1 and CIE 15. */
export function labOf(picture: Picture): Lab {
  const [L, a, b] = [planeOf(picture), planeOf(picture), planeOf(picture)]
  const { data } = picture
  for (let index = 0; index < L.data.length; index++) {
    const channel = (offset: number) => linear[data[index * 3 + offset] ?? 0] ?? 0
    const [red, green, blue] = [channel(0), channel(1), channel(2)]
    const x = curve((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047)
    const y = curve(0.2126729 * red + 0.7151522 * green + 0.072175 * blue)
    const z = curve((0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883)
    L.data[index] = 116 * y - 16
    a.data[index] = 500 * (x - y)
    b.data[index] = 200 * (y - z)
  }
  return { L, a, b }
}
