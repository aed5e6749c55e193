import { Button, Center, Loader, Stack, Text } from '@mantine/core'
import { session } from '../api/runtime.ts'
import { useSessionState } from '../api/use-api.ts'
import { NoTenant } from '../screens/sign-in/no-tenant.tsx'
import { SignIn } from '../screens/sign-in/sign-in.tsx'
import { Shell } from './shell.tsx'

/** Shows the screens to who has signed in, and to everybody else what is in the way. */
export function Workplace() {
  const state = useSessionState()
  if (state.status === 'starting') return <Waiting />
  if (state.status === 'unreachable') return <Unreachable />
  if (state.status === 'out') return <SignIn ended={state.ended ?? false} />
  if (state.tenant === null && !state.isOperator) return <NoTenant />
  return <Shell />
}

function Waiting() {
  return (
    <Center mih="60dvh">
      <Loader aria-label="Loading" />
    </Center>
  )
}

function Unreachable() {
  return (
    <Center mih="60dvh">
      <Stack align="center">
        <Text>The server cannot be reached. Check your connection.</Text>
        <Button onClick={() => void session.resume().catch(() => session.fail())}>Try again</Button>
      </Stack>
    </Center>
  )
}
