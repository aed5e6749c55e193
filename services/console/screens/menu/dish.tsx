import { Screen } from '../../parts/screen.tsx'

export function DishScreen() {
  return <Screen title="Dish">to come</Screen>
}
