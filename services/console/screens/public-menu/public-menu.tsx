import { Screen } from '../../parts/screen.tsx'

export function PublicMenuPage() {
  return <Screen title="Menu">to come</Screen>
}
