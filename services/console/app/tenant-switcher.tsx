import { Badge, Button, Menu } from '@mantine/core'
import { IconCheck, IconChevronDown } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { session } from '../api/runtime.ts'
import { useSignedIn } from '../api/use-api.ts'
import { tellProblem } from '../parts/tell.tsx'

export function TenantSwitcher() {
  const { tenant, tenants, isOperator } = useSignedIn()
  const navigate = useNavigate()
  const change = (slug: string) =>
    session
      .switchTenant(slug)
      .then(() => navigate({ to: '/' }))
      .catch(tellProblem)
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <Button variant="default" size="sm" rightSection={<IconChevronDown size={16} aria-hidden />}>
          <span className="visually-hidden">Tenant </span>
          {isOperator ? <Badge color="red">Operator</Badge> : (tenant?.name ?? 'No tenant')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Tenants</Menu.Label>
        {tenants.map((one) => (
          <Menu.Item
            key={one.id}
            onClick={() => void change(one.slug)}
            leftSection={one.id === tenant?.id ? <IconCheck size={16} aria-label="current" /> : <span />}
          >
            {one.name} · {one.role}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
