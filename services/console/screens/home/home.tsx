import { useMay, useSignedIn } from '../../api/use-api.ts'
import { CopyAsCurl } from '../../parts/copy-as-curl.tsx'
import { Screen } from '../../parts/screen.tsx'
import { Tiles } from '../../parts/tiles.tsx'
import { FirstSteps } from './first-steps.tsx'
import { QueueAges } from './queue-ages.tsx'
import { ServiceStates } from './service-states.tsx'
import { StorageUse } from './storage-use.tsx'
import { VirusDatabase } from './virus-database.tsx'

export function Home() {
  const { tenant, isOperator } = useSignedIn()
  const oversees = useMay('admin') || isOperator
  return (
    <Screen
      title={tenant?.name ?? 'Platform'}
      actions={<CopyAsCurl call={oversees ? 'GET /api/v1/files/status' : 'GET /api/v1/files/usage'} />}
    >
      {tenant && <FirstSteps />}
      <Tiles>
        {tenant && <StorageUse />}
        {oversees && <VirusDatabase />}
        {oversees && <QueueAges />}
      </Tiles>
      {oversees && <ServiceStates />}
    </Screen>
  )
}
