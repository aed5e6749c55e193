import { Button, Paper, Stack, Text, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { confirmEmail, consumeLink } from '../../api/sign-in.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { AcceptInvitation } from './accept-invitation.tsx'
import classes from './sign-in.module.css'

interface LinkContent {
  readonly kind: string
  readonly token: string
}

/** The token is in the fragment, which no server sees, and is taken out of the address at once. */
function takeFragment(): LinkContent | null {
  const { kind, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
  return kind && token ? { kind, token } : null
}

/** What links in mails open. Nothing is used up until the person presses the button: programs open links in mails too. */
export function LinkPage() {
  const [content] = useState(takeFragment)
  useEffect(() => {
    history.replaceState(history.state, '', location.pathname)
    document.title = 'Slipway'
  }, [])
  return (
    <main className={classes.page}>
      <Paper withBorder p="xl" className={classes.card}>
        <Stack>
          <Title order={1} size="h2">
            Slipway
          </Title>
          {content ? (
            <LinkAction {...content} />
          ) : (
            <Text>This link is not complete. Copy all of it from the mail, or ask for a new one.</Text>
          )}
        </Stack>
      </Paper>
    </main>
  )
}

function LinkAction({ kind, token }: LinkContent) {
  if (kind === 'magic-link') return <Consume label="Sign in" run={() => consumeLink(token)} />
  if (kind === 'confirm-email') return <Consume label="Confirm my address" run={() => confirmEmail(token)} />
  if (kind === 'invitation') return <AcceptInvitation token={token} />
  return <Text>This link is of a kind that this console does not know.</Text>
}

interface ConsumeProps {
  readonly label: string
  readonly run: () => Promise<unknown>
}

function Consume({ label, run }: ConsumeProps) {
  const navigate = useNavigate()
  const consume = useMutation({ mutationFn: run, onSuccess: () => navigate({ to: '/' }) })
  return (
    <>
      {consume.error && <ProblemAlert error={consume.error} />}
      <Button loading={consume.isPending} onClick={() => consume.mutate()}>
        {label}
      </Button>
    </>
  )
}
