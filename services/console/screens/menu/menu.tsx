import { Screen } from '../../parts/screen.tsx'

export function MenuScreen() {
  return <Screen title="Menu">to come</Screen>
}
