import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core'
import { IconDeviceDesktop, IconFileText, IconLogout, IconMoon, IconShieldStar, IconSun, IconUserCircle } from '@tabler/icons-react'
import { session } from '../api/runtime.ts'
import { useSignedIn } from '../api/use-api.ts'
import { tellProblem } from '../parts/tell.tsx'

export function AccountMenu() {
  const { person, isOperator } = useSignedIn()
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true })
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label="Account">
          <IconUserCircle size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{person?.email ?? 'Signed in'}</Menu.Label>
        <Menu.Item leftSection={<IconSun size={16} />} onClick={() => setColorScheme('light')}>
          Light
        </Menu.Item>
        <Menu.Item leftSection={<IconMoon size={16} />} onClick={() => setColorScheme('dark')}>
          Dark
        </Menu.Item>
        <Menu.Item leftSection={<IconDeviceDesktop size={16} />} onClick={() => setColorScheme('auto')}>
          As the system
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item component="a" href="/docs" leftSection={<IconFileText size={16} />}>
          API reference
        </Menu.Item>
        {!isOperator && (
          <Menu.Item leftSection={<IconShieldStar size={16} />} onClick={() => void session.actAsOperator().catch(tellProblem)}>
            Act as operator
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void session.signOut().catch(tellProblem)}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
