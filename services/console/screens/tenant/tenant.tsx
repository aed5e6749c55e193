import { Tabs } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useMay, useSignedIn } from '../../api/use-api.ts'
import type { TenantTab } from '../../app/router.tsx'
import { CopyAsCurl } from '../../parts/copy-as-curl.tsx'
import { Screen } from '../../parts/screen.tsx'
import { ApiKeys } from './api-keys.tsx'
import { Audit } from './audit.tsx'
import { Members } from './members.tsx'
import { Settings } from './settings.tsx'

const route = getRouteApi('/workplace/tenant')

const curl = {
  members: <CopyAsCurl call="GET /api/v1/members" />,
  keys: <CopyAsCurl call="GET /api/v1/api-keys" />,
  settings: <CopyAsCurl call="GET /api/v1/settings" />,
  audit: <CopyAsCurl call="GET /api/v1/audit" />,
} as const

export function Tenant() {
  const { tenant } = useSignedIn()
  const isAdmin = useMay('admin')
  const { tab: asked = 'members' } = route.useSearch()
  const tab = isAdmin ? asked : 'members'
  const navigate = route.useNavigate()
  return (
    <Screen title={`Tenant ${tenant?.name ?? ''}`} actions={curl[tab]}>
      <Tabs value={tab} onChange={(next) => void navigate({ search: { tab: next as TenantTab } })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="members">Members</Tabs.Tab>
          {isAdmin && <Tabs.Tab value="keys">API keys</Tabs.Tab>}
          {isAdmin && <Tabs.Tab value="settings">Settings</Tabs.Tab>}
          {isAdmin && <Tabs.Tab value="audit">Audit</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="members">
          <Members />
        </Tabs.Panel>
        {isAdmin && (
          <>
            <Tabs.Panel value="keys">
              <ApiKeys />
            </Tabs.Panel>
            <Tabs.Panel value="settings">
              <Settings />
            </Tabs.Panel>
            <Tabs.Panel value="audit">
              <Audit />
            </Tabs.Panel>
          </>
        )}
      </Tabs>
    </Screen>
  )
}
