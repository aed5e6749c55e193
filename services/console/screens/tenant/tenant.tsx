import { Screen } from '../../parts/screen.tsx'

export function Tenant() {
  return <Screen title="Tenant">to come</Screen>
}
