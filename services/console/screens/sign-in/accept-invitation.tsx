import { Button, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { api, session } from '../../api/runtime.ts'
import { useSessionState } from '../../api/use-api.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SignUp } from './sign-up.tsx'

interface AcceptInvitationProps {
  readonly token: string
}

/** Who has signed in joins with one press; everybody else makes an account, which joins at once. */
export function AcceptInvitation({ token }: AcceptInvitationProps) {
  const state = useSessionState()
  const navigate = useNavigate()
  const accept = useMutation({
    mutationFn: async () => {
      await api.call('POST /api/v1/invitations/accept', { body: { token } })
      await session.resume()
    },
    onSuccess: () => navigate({ to: '/' }),
  })
  if (state.status !== 'in') return <SignUp invitation={token} />
  return (
    <>
      <Text>You are invited to join a tenant as {state.person?.email}.</Text>
      {accept.error && <ProblemAlert error={accept.error} />}
      <Button loading={accept.isPending} onClick={() => accept.mutate()}>
        Join
      </Button>
    </>
  )
}
