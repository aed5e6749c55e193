import type { ReactNode } from 'react'
import classes from './tiles.module.css'

/** As many equal columns as fit. Mantine's grids write a style element, which the policy forbids. */
export function Tiles({ children }: { readonly children: ReactNode }) {
  return <div className={classes.tiles}>{children}</div>
}
